// Fetching over http and https from addresses that a guard allows.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/address_guard.h"

namespace spyhop {

struct HttpGet {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  // not sent on to other hosts that the answer redirects to
  size_t max_bytes = size_t{20} << 20;                       // of the body
  int max_redirects = 3;
  std::chrono::milliseconds connect_timeout{3000};  // to one address
  std::chrono::milliseconds total_timeout{10000};   // look-ups, redirects and the body together
  std::string ca_file;                              // certificates to trust, PEM; empty = those of the system
};

struct HttpResponse {
  int status = 0;
  std::string body;  // of answers 200 to 299; empty for others
};

/// Follows redirects, each target checked by `guard` like the first; connects only to addresses that the guard has seen.
/// Certificates are verified against the host's name. Throws Error: kInvalidRequest (malformed URL, too many redirects, and one
/// message for everything that keeps an answer from coming, so that it does not tell open ports from closed ones), kTooLarge,
/// kForbidden. Thread-safe; blocks the calling thread.
HttpResponse http_get(const HttpGet& request, const AddressGuard& guard);

}  // namespace spyhop
