#include "hub/hub_settings.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "common/file.h"
#include "common/problem_list.h"
#include "common/url.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxToken = 4096;

/// The first variable that is set, or `fallback`.
std::string first_of(const Environment& environment, std::initializer_list<const char*> names, const std::string& fallback) {
  for (const char* name : names) {
    if (const std::string value = environment(name); !value.empty()) return value;
  }
  return fallback;
}

bool is_true(std::string value) {
  for (char& c : value) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string expand_home(const Environment& environment, const std::string& path) {
  return path == "~" || path.rfind("~/", 0) == 0 ? environment("HOME") + path.substr(1) : path;
}

std::string checked_endpoint(std::string endpoint, const std::string& variable) {
  while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
  try {
    const Url url = parse_url(endpoint);
    if (url.target.find('?') != std::string::npos) throw Error(ErrorCode::kInvalidRequest, "it has a query");
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidRequest, variable + " = " + in_quotes(endpoint) + " is no address of a hub: " + error.what(),
                variable);
  }
  return endpoint;
}

std::string read_token(const Environment& environment, std::initializer_list<const char*> variables, const std::string& path) {
  for (const char* name : variables) {
    if (const std::string value = environment(name); !value.empty()) return clean_token(value, name);
  }
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return "";
  return clean_token(read_text_file(path, kMaxToken), path);
}

bool is_offline(const Environment& environment) {
  return is_true(first_of(environment, {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}, ""));
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
}

std::string clean_token(std::string text, const std::string& origin) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  // A token goes into a header, where a line break would begin another.
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (is_plain && text.size() <= kMaxToken) return text;
  throw Error(ErrorCode::kInvalidRequest,
              origin + " holds no token: allowed are up to 4096 printable characters without spaces", origin);
}

HubSettings huggingface_settings(const Environment& environment) {
  const std::string caches = first_of(environment, {"XDG_CACHE_HOME"}, environment("HOME") + "/.cache");
  const std::string home = expand_home(environment, first_of(environment, {"HF_HOME"}, caches + "/huggingface"));
  HubSettings settings;
  settings.endpoint = checked_endpoint(first_of(environment, {"HF_ENDPOINT"}, "https://huggingface.co"), "HF_ENDPOINT");
  settings.cache_dir =
      expand_home(environment, first_of(environment, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}, home + "/hub"));
  settings.old_cache_dir = settings.cache_dir;
  settings.token_path = expand_home(environment, first_of(environment, {"HF_TOKEN_PATH"}, home + "/token"));
  settings.token = read_token(environment, {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}, settings.token_path);
  settings.is_offline = is_offline(environment);
  return settings;
}

HubSettings modelscope_settings(const Environment& environment) {
  std::string endpoint = environment("MODELSCOPE_ENDPOINT");
  std::string variable = "MODELSCOPE_ENDPOINT";
  if (const std::string domain = environment("MODELSCOPE_DOMAIN"); endpoint.empty() && !domain.empty()) {
    variable = "MODELSCOPE_DOMAIN";
    endpoint = domain.find("://") == std::string::npos ? "https://" + domain : domain;
  }
  const std::string home = environment("HOME");
  const std::string given = expand_home(environment, environment("MODELSCOPE_CACHE"));
  HubSettings settings;
  settings.endpoint = checked_endpoint(endpoint.empty() ? "https://modelscope.cn" : endpoint, variable);
  settings.cache_dir = given.empty() ? home + "/.cache/modelscope" : given;
  settings.old_cache_dir = given.empty() ? home + "/.cache/modelscope/hub" : given;
  const std::string config = expand_home(environment, first_of(environment, {"MODELSCOPE_HOME"}, home + "/.modelscope"));
  settings.token_path = config + "/token";
  settings.token = read_token(environment, {"MODELSCOPE_API_TOKEN"}, settings.token_path);
  settings.is_offline = is_offline(environment);
  return settings;
}

}  // namespace spyhop
