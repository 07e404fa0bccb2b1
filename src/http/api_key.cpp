#include "http/api_key.h"

#include <algorithm>
#include <cctype>

#include "spyhop/error.h"

namespace spyhop {
namespace {

bool equal_in_constant_time(const std::string& known, const std::string& given) {
  size_t differences = known.size() ^ given.size();
  for (size_t i = 0; i < given.size(); ++i) {
    const char expected = known.empty() ? '\0' : known[i % known.size()];
    differences |= static_cast<unsigned char>(expected ^ given[i]);
  }
  return differences == 0;
}

std::string given_key(const httplib::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string header = request.get_header_value("Authorization");
  const bool is_bearer = header.size() > kScheme.size() &&
                         std::equal(kScheme.begin(), kScheme.end(), header.begin(),
                                    [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  return is_bearer ? header.substr(kScheme.size()) : request.get_header_value("x-api-key");
}

}  // namespace

void require_api_key(const httplib::Request& request, const std::vector<std::string>& keys) {
  if (keys.empty()) return;
  const std::string given = given_key(request);
  if (given.empty()) {
    throw Error(ErrorCode::kUnauthorized,
                "no API key was sent; allowed: a header \"Authorization: Bearer KEY\" or \"x-api-key: KEY\"");
  }
  bool known = false;
  for (const std::string& key : keys) known |= equal_in_constant_time(key, given);
  if (!known) throw Error(ErrorCode::kUnauthorized, "the API key sent is not one of this server's");
}

}  // namespace spyhop
