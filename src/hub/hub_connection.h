// Requests to a hub: its token, redirects, and answers that are texts.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "hub/http_transfer.h"

namespace spyhop {

/// Where a hub listens, and what shows it who asks.
struct HubAccess {
  std::string endpoint;                   // "https://huggingface.co", without a slash at its end
  std::vector<std::string> auth_headers;  // "Name: value"; sent to the endpoint's own scheme, host and port only
};

/// When a request is tried again.
struct RetryPolicy {
  int max_attempts = 6;                        // in a row without a byte
  std::chrono::milliseconds first_pause{500};  // before the second attempt; it doubles with each, up to
  std::chrono::milliseconds longest_pause{30'000};

  /// Before the attempt that follows `num_failed` ones: no less than the server asks for, but four times longest_pause at most.
  /// Between half of it and all of it, as `random` (0 to 1) says, so that those that failed together do not come back together.
  std::chrono::milliseconds pause_after(int num_failed, int retry_after_seconds, double random) const;
};

struct HubAnswer {
  HttpTransferResult result;
  std::string url;  // that answered, after redirects
};

struct HubText {
  HttpHead head;
  std::string body;
};

/// Thread safety: one thread at a time.
class HubConnection {
 public:
  HubConnection(HubAccess access, const HttpTransferLimits& limits, const RetryPolicy& retry);

  /// Follows redirects, five at most, which may lead to other hosts but never from https to http; `request.on_head` sees the
  /// last answer alone. Throws Error{kModelLoad} for redirects beyond that.
  HubAnswer run(HttpTransferRequest request);

  /// A whole small answer, whatever its status; tried again, four times at most, where that may help. Throws
  /// Error{kUnavailable} when none comes, Error{kModelLoad} when it is larger than `max_bytes`.
  HubText get_text(const std::string& url, size_t max_bytes, const std::vector<std::string>& headers = {});

 private:
  HubAccess access_;
  std::string origin_;
  RetryPolicy retry_;
  HttpTransfer transfer_;
};

/// Whether a status tells of a trouble that may pass.
bool may_pass(int status);

}  // namespace spyhop
