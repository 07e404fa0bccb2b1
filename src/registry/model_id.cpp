#include "registry/model_id.h"

#include <algorithm>
#include <cstddef>

namespace spyhop {
namespace {

constexpr size_t kMaxName = 96;
constexpr size_t kMaxRevision = 200;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

bool is_model_name(const std::string& text) {
  return !text.empty() && text.size() <= kMaxName && is_alphanumeric(text[0]) && is_plain(text) &&
         text.find("..") == std::string::npos;
}

bool is_model_id(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos || text.find("--") != std::string::npos) return false;
  return is_model_name(text.substr(0, slash)) && is_model_name(text.substr(slash + 1));
}

bool is_revision(const std::string& text) {
  if (text.empty() || text.size() > kMaxRevision) return false;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    if (part.empty() || part[0] == '.' || part[0] == '-' || !is_plain(part) || part.find("..") != std::string::npos)
      return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace spyhop
