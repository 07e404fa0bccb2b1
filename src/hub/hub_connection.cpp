#include "hub/hub_connection.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "common/url.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kMaxRedirects = 5;
constexpr int kMaxTextAttempts = 4;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

bool may_pass(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

std::chrono::milliseconds RetryPolicy::pause_after(int num_failed, int retry_after_seconds, double random) const {
  using std::chrono::milliseconds;
  milliseconds pause = first_pause;
  for (int i = 1; i < num_failed && pause < longest_pause; ++i) pause *= 2;
  pause = std::min(pause, longest_pause);
  pause = milliseconds(static_cast<int64_t>(static_cast<double>(pause.count()) * (0.5 + random / 2)));
  return std::min<milliseconds>(std::max<milliseconds>(pause, std::chrono::seconds(retry_after_seconds)), 4 * longest_pause);
}

HubConnection::HubConnection(HubAccess access, const HttpTransferLimits& limits, const RetryPolicy& retry)
    : access_(std::move(access)), origin_(parse_url(access_.endpoint).origin()), retry_(retry), transfer_(limits) {}

HubAnswer HubConnection::run(HttpTransferRequest request) {
  const auto on_head = std::move(request.on_head);
  const auto on_data = std::move(request.on_data);
  const std::vector<std::string> headers = std::move(request.headers);
  Url url = parse_url(request.url);
  for (int num_redirects = 0;; ++num_redirects) {
    bool is_last = true;
    request.url = url.origin() + url.target;
    request.headers = headers;
    if (url.origin() == origin_) {
      request.headers.insert(request.headers.end(), access_.auth_headers.begin(), access_.auth_headers.end());
    }
    request.on_head = [&](const HttpHead& head) {
      is_last = !is_redirect(head.status) || head.header("location").empty();
      return !is_last || !on_head || on_head(head);
    };
    // What a redirect says in words is read and dropped, which keeps the connection.
    request.on_data = [&](const char* data, size_t size) { return !is_last || !on_data || on_data(data, size); };
    HttpTransferResult result = transfer_.run(request);
    if (is_last || !result.is_complete) return {std::move(result), request.url};

    const Url next = resolve_redirect(url, result.head.header("location"));
    const std::string step = "'" + url.origin() + "' redirects to '" + next.origin() + "'";
    if (url.is_https && !next.is_https) throw Error(ErrorCode::kModelLoad, step + ", away from https; that is not followed");
    if (num_redirects == kMaxRedirects) {
      throw Error(ErrorCode::kModelLoad,
                  step + " after " + std::to_string(kMaxRedirects) + " redirects, the most that is allowed");
    }
    url = next;
  }
}

HubText HubConnection::get_text(const std::string& url, size_t max_bytes, const std::vector<std::string>& headers) {
  for (int attempt = 1;; ++attempt) {
    HubText text;
    HttpTransferRequest request;
    request.url = url;
    request.headers = headers;
    request.on_data = [&](const char* data, size_t size) {
      if (size > max_bytes - text.body.size()) {
        throw Error(ErrorCode::kModelLoad, "the answer of '" + parse_url(url).origin() + "' is larger than the " +
                                               std::to_string(max_bytes) + " bytes that are allowed");
      }
      text.body.append(data, size);
      return true;
    };
    const HttpTransferResult result = run(std::move(request)).result;
    text.head = result.head;
    if (result.is_complete && !may_pass(text.head.status)) return text;
    if (attempt >= std::min(kMaxTextAttempts, retry_.max_attempts)) {
      if (result.is_complete) return text;
      throw Error(ErrorCode::kUnavailable, "'" + origin_ + "' cannot be reached: " + result.problem);
    }
    std::this_thread::sleep_for(retry_.pause_after(attempt, text.head.retry_after_seconds(), /*random=*/1));
  }
}

}  // namespace spyhop
