#include "common/url.h"

#include <algorithm>
#include <string_view>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;
constexpr size_t kMaxUrlLength = 8192;
constexpr size_t kMaxHostLength = 253;

[[noreturn]] void refuse_url(const std::string& reason) {
  throw Error(ErrorCode::kInvalidRequest, "malformed URL: " + reason);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

void check_characters(const std::string& text) {
  if (text.size() > kMaxUrlLength) {
    refuse_url("it has " + std::to_string(text.size()) + " characters; allowed are at most " + std::to_string(kMaxUrlLength));
  }
  const auto is_forbidden = [](char c) { return (c >= 0 && c <= ' ') || c == 0x7F || c == '\\'; };
  if (std::any_of(text.begin(), text.end(), is_forbidden))
    refuse_url("white space, control characters and '\\' are not allowed");
}

int parse_port(std::string_view digits, int default_port) {
  if (digits.empty()) return default_port;
  const bool numeric =
      digits.size() <= 5 && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  const int port = numeric ? std::stoi(std::string(digits)) : 0;
  if (port < 1 || port > 65535) refuse_url("port '" + std::string(digits) + "'; allowed: 1 to 65535");
  return port;
}

void check_host(const std::string& host, bool is_bracketed) {
  const std::string_view allowed = is_bracketed ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789-._";
  if (host.empty()) refuse_url("it names no host");
  if (host.size() > kMaxHostLength || host.find_first_not_of(allowed) != std::string::npos) {
    refuse_url("its host is no host name or address; international names are written in their xn-- form");
  }
}

/// host, host:port, [address] or [address]:port.
void parse_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) refuse_url("user names and passwords are not allowed");
  const bool is_bracketed = !authority.empty() && authority[0] == '[';
  const size_t bracket = is_bracketed ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) refuse_url("']' is missing");
  const std::string_view after = authority.substr(bracket);
  const size_t colon = after.find(':');
  const std::string_view host =
      is_bracketed ? authority.substr(1, bracket - 1) : authority.substr(0, std::min(colon, authority.size()));
  if (is_bracketed && after.size() > 1 && after[1] != ':') refuse_url("characters between ']' and the port");
  url.host = lower_case(host);
  check_host(url.host, is_bracketed);
  url.port = parse_port(colon == std::string_view::npos ? std::string_view() : after.substr(colon + 1),
                        url.is_https ? kHttpsPort : kHttpPort);
}

std::string make_target(std::string_view path_and_query) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string target;
  if (path_and_query.empty() || path_and_query[0] != '/') target += '/';
  for (const char c : path_and_query) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      target += c;
    } else {
      target += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return target;
}

}  // namespace

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (is_https ? kHttpsPort : kHttpPort) ? name : name + ":" + std::to_string(port);
}

std::string Url::origin() const {
  return (is_https ? "https://" : "http://") + authority();
}

Url parse_url(const std::string& text) {
  check_characters(text);
  const size_t separator = text.find("://");
  const std::string scheme = lower_case(text.substr(0, std::min(text.find(':'), text.size())));
  if (separator != scheme.size() || (scheme != "http" && scheme != "https")) {
    refuse_url("its scheme is not allowed; allowed: http, https");
  }
  Url url;
  url.is_https = scheme == "https";
  const std::string_view rest = std::string_view(text).substr(separator + 3);
  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  parse_authority(rest.substr(0, authority_end), url);
  const std::string_view path = rest.substr(authority_end);
  url.target = make_target(path.substr(0, std::min(path.find('#'), path.size())));
  return url;
}

Url resolve_redirect(const Url& base, const std::string& location) {
  const size_t colon = location.find(':');
  const bool has_scheme = colon != std::string::npos && colon < location.find_first_of("/?#");
  if (has_scheme) return parse_url(location);
  if (location.rfind("//", 0) == 0) return parse_url((base.is_https ? "https:" : "http:") + location);
  const std::string path = base.target.substr(0, std::min(base.target.find('?'), base.target.size()));
  if (location.empty() || location[0] == '#') return base;
  if (location[0] == '/') return parse_url(base.origin() + location);
  if (location[0] == '?') return parse_url(base.origin() + path + location);
  return parse_url(base.origin() + path.substr(0, path.rfind('/') + 1) + location);
}

}  // namespace spyhop
