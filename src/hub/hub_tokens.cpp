#include "hub/hub_tokens.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include "common/file.h"
#include "common/json_fields.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListBytes = size_t{1} << 20;

/// Makes the folder for its owner alone. One that is there already keeps its rights.
void make_private_folder(const std::string& folder) {
  std::error_code error;
  const bool was_there = folder.empty() || fs::exists(folder, error);
  if (was_there) return;
  fs::create_directories(folder, error);
  if (!error) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) throw Error(ErrorCode::kModelLoad, folder + ": cannot be made: " + error.message());
}

bool is_section_name(const std::string& name) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7F && c != '[' && c != ']'; };
  return !name.empty() && name != "DEFAULT" && name.size() <= 200 && std::all_of(name.begin(), name.end(), is_plain);
}

}  // namespace

nlohmann::json user_document(const Hub& hub, const HubText& answer) {
  const int status = answer.head.status;
  const std::string where = hub.title() + " (" + hub.settings().endpoint + ")";
  if (status == 401 || status == 403) {
    throw Error(ErrorCode::kUnauthorized,
                where + " does not know this token (status " + std::to_string(status) + "); nothing is stored");
  }
  if (status != 200) {
    throw Error(may_pass(status) ? ErrorCode::kUnavailable : ErrorCode::kModelLoad,
                where + " answers with status " + std::to_string(status) + " when asked whose token this is");
  }
  nlohmann::json document = parse_json(answer.body, where);
  if (document.is_object()) return document;
  throw Error(ErrorCode::kModelLoad, where + ": its answer about the token is " + describe_json(document));
}

HubUser named_user(const Hub& hub, HubUser user) {
  if (!user.name.empty()) return user;
  throw Error(ErrorCode::kUnauthorized, hub.title() + " (" + hub.settings().endpoint +
                                            ") does not say whose token this is; nothing is stored");
}

void write_token(const std::string& path, const std::string& token) {
  make_private_folder(fs::path(path).parent_path().string());
  replace_text_file(path, token, ErrorCode::kModelLoad, kReadableByOwner);
}

void add_to_token_list(const std::string& path, const std::string& name, const std::string& token) {
  if (!is_section_name(name)) return;
  std::error_code error;
  std::istringstream old(fs::exists(path, error) ? read_text_file(path, kMaxListBytes) : "");
  std::string text;
  bool is_replaced = false;  // whether the line belongs to the section that is written anew
  for (std::string line; std::getline(old, line);) {
    if (!line.empty() && line[0] == '[') is_replaced = line == "[" + name + "]";
    if (!is_replaced) text += line + "\n";
  }
  text += "[" + name + "]\nhf_token = " + token + "\n\n";
  replace_text_file(path, text, ErrorCode::kModelLoad, kReadableByOwner);
}

}  // namespace spyhop
