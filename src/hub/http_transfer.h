// One HTTP request at a time over a connection that is kept open, its body streamed to a function. By libcurl, seen in
// http_transfer.cpp only: proxies, certificates and keep-alive are its business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace spyhop {

/// Bytes `begin` to `end` - 1 of a file.
struct ByteRange {
  int64_t begin = 0;
  int64_t end = 0;
};

/// What a Content-Range header says.
struct ContentRange {
  ByteRange range;
  int64_t total = -1;  // size of the whole file; -1 = not said
};

struct HttpTransferLimits {
  long connect_timeout_ms = 10'000;
  int stall_seconds = 30;  // a transfer slower than stall_bytes_per_second for so long is given up
  long stall_bytes_per_second = 1024;
  std::string ca_file;  // certificates to trust, PEM; empty = those of the system
};

/// The answer's first line and headers.
struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case, the last of equal names

  std::string header(const std::string& name) const;
  int64_t content_length() const;  // -1 = not said
  std::optional<ContentRange> content_range() const;
  int retry_after_seconds() const;  // 0 = not said, or as a date
};

struct HttpTransferRequest {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  std::optional<ByteRange> range;
  bool head_only = false;
  std::function<bool(const HttpHead& head)> on_head;           // false: the body is not wanted
  std::function<bool(const char* data, size_t size)> on_data;  // false: no more is wanted
  std::function<bool()> should_stop;                           // asked several times a second
};

struct HttpTransferResult {
  HttpHead head;
  bool is_complete = false;  // the whole body has come
  bool is_refused = false;   // on_head, on_data or should_stop said no
  std::string problem;       // in words, when it is neither
};

/// Thread safety: one thread at a time. Exceptions of the functions of a request leave run() as they are.
class HttpTransfer {
 public:
  explicit HttpTransfer(const HttpTransferLimits& limits);
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  /// Follows no redirect. Problems of the network are results, not exceptions; Error{kInternal} when there is no memory.
  HttpTransferResult run(const HttpTransferRequest& request);

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

/// `text` with everything but letters, digits and "-._~" as %XX; '/' stays when `keep_slashes`.
std::string percent_encoded(const std::string& text, bool keep_slashes);

}  // namespace spyhop
