// http and https URLs.
#pragma once

#include <string>

namespace spyhop {

struct Url {
  bool is_https = false;
  std::string host;  // lower case; an IPv6 address without its brackets
  int port = 0;
  std::string target;  // path and query, never empty, printable ASCII

  /// As the Host header spells it: brackets around an IPv6 address, the port where it is not the scheme's own.
  std::string authority() const;
  /// "https://host:port", for messages and comparisons: without path and query, which may hold secrets.
  std::string origin() const;
};

/// Throws Error{kInvalidRequest} on any other scheme, user names or passwords, hosts with characters that no host name or
/// address has, ports out of range, white space and control characters. Bytes above ASCII in the path are percent-encoded.
Url parse_url(const std::string& text);

/// The URL that a Location header in an answer of `base` names: absolute, "//host/path", "/path" or relative.
Url resolve_redirect(const Url& base, const std::string& location);

}  // namespace spyhop
