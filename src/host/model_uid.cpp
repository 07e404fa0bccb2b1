#include "host/model_uid.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxBytes = 128;
constexpr char kLettersAndDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool is_allowed(char c) {
  return std::string_view(kLettersAndDigits).find(c) != std::string_view::npos || std::string_view("._-:/").find(c) < 5;
}

/// The last or the only part of a path below /v1/models/ that means something else.
bool is_word_of_a_route(const std::string& part) {
  static const char* const kWords[] = {"instances", "instance", "progress", "cancel",   "replicas",      "events",
                                       "abort",     "requests", "prompts",  "families", "vllm-supported"};
  return std::find(std::begin(kWords), std::end(kWords), part) != std::end(kWords);
}

}  // namespace

void check_model_uid(const std::string& uid) {
  bool is_good = !uid.empty() && uid.size() <= kMaxBytes && std::all_of(uid.begin(), uid.end(), is_allowed);
  for (size_t begin = 0; begin <= uid.size();) {
    const size_t end = std::min(uid.find('/', begin), uid.size());
    const std::string part = uid.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || is_word_of_a_route(part)) is_good = false;
    begin = end + 1;
  }
  if (is_good) return;
  throw Error(ErrorCode::kInvalidRequest,
              "model_uid is " + in_quotes(uid) + "; allowed: up to " + std::to_string(kMaxBytes) +
                  " letters, digits and . _ - : /, and no word of a route such as progress",
              "model_uid");
}

std::string default_model_uid(const LaunchRequest& request) {
  std::string name = request.model_name;
  if (name.empty()) {
    const std::filesystem::path path = std::filesystem::path(request.model_path).lexically_normal();
    const auto folder = path.has_filename() ? path : path.parent_path();
    name = (folder.filename() == "checkpoint" ? folder.parent_path() : folder).filename().string();
  }
  if (name.empty()) name = "model";
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_allowed(c); }, '_');
  check_model_uid(name);
  return name;
}

std::string random_characters(size_t count) {
  std::random_device device;
  std::uniform_int_distribution<size_t> index(0, sizeof(kLettersAndDigits) - 2);
  std::string text;
  for (size_t i = 0; i < count; ++i) text += kLettersAndDigits[index(device)];
  return text;
}

}  // namespace spyhop
