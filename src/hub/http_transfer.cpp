#include "hub/http_transfer.h"

#include <curl/curl.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr long kReceiveBuffer = 256 * 1024;  // bytes
constexpr size_t kMaxHeaderBytes = 64 * 1024;

/// The library's own state, once per process.
void start_library() {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kStarted != CURLE_OK) throw Error(ErrorCode::kInternal, "libcurl cannot be started");
  // A write to a connection that the peer has closed must fail, not end the process.
  static const auto kPreviousHandler = std::signal(SIGPIPE, SIG_IGN);
  static_cast<void>(kPreviousHandler);
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

/// The whole of `text` as a number of bytes.
std::optional<int64_t> parse_bytes(std::string_view text) {
  int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList make_headers(const std::vector<std::string>& lines) {
  HeaderList list;
  for (const std::string& line : lines) {
    if (line.find_first_of("\r\n") != std::string::npos) throw Error(ErrorCode::kInternal, "a header with a line break");
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw Error(ErrorCode::kInternal, "no memory for headers");
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

}  // namespace

std::string HttpHead::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

int64_t HttpHead::content_length() const {
  return parse_bytes(header("content-length")).value_or(-1);
}

std::optional<ContentRange> HttpHead::content_range() const {
  std::string_view text = headers.count("content-range") != 0 ? headers.at("content-range") : std::string_view();
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (text.substr(0, kUnit.size()) != kUnit || dash == std::string_view::npos || slash == std::string_view::npos ||
      slash < dash)
    return std::nullopt;
  const std::optional<int64_t> first = parse_bytes(text.substr(kUnit.size(), dash - kUnit.size()));
  const std::optional<int64_t> last = parse_bytes(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first || *last == INT64_MAX) return std::nullopt;
  return ContentRange{{*first, *last + 1}, parse_bytes(text.substr(slash + 1)).value_or(-1)};
}

int HttpHead::retry_after_seconds() const {
  constexpr int64_t kLongest = 3600;
  return static_cast<int>(std::min(parse_bytes(header("retry-after")).value_or(0), kLongest));
}

struct HttpTransfer::Session {
  CURL* handle = nullptr;
  HttpTransferLimits limits;
  const HttpTransferRequest* request = nullptr;
  HttpTransferResult result;
  size_t header_bytes = 0;
  bool is_head_seen = false;
  std::exception_ptr failure;

  /// Runs a function of the request; its exception must not cross the C library.
  template <typename Function>
  bool guarded(const Function& function) {
    try {
      if (function()) return true;
    } catch (...) {
      failure = std::current_exception();
    }
    result.is_refused = true;
    return false;
  }

  bool see_header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMaxHeaderBytes) return false;
    if (line.substr(0, 5) == "HTTP/") {  // the first line of this answer, or of the next after an informational one
      result.head = {};
      is_head_seen = false;
      return true;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    std::string name(trimmed(line.substr(0, colon)));
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    result.head.headers[name] = std::string(trimmed(line.substr(colon + 1)));
    return true;
  }

  /// Told of the head before the first byte of the body, or after the transfer when there is none.
  bool announce_head() {
    if (is_head_seen) return true;
    is_head_seen = true;
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    result.head.status = static_cast<int>(status);
    return !request->on_head || guarded([&] { return request->on_head(result.head); });
  }

  static size_t on_header(char* data, size_t size, size_t count, void* self) {
    return static_cast<Session*>(self)->see_header({data, size * count}) ? size * count : 0;
  }
  static size_t on_body(char* data, size_t size, size_t count, void* user) {
    auto* self = static_cast<Session*>(user);
    if (!self->announce_head()) return 0;
    const bool wanted = self->request->on_data && self->guarded([&] { return self->request->on_data(data, size * count); });
    if (!wanted) self->result.is_refused = true;
    return wanted ? size * count : 0;
  }
  static int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* self = static_cast<Session*>(user);
    const auto& should_stop = self->request->should_stop;
    return !should_stop || self->guarded([&] { return !should_stop(); }) ? 0 : 1;
  }

  void configure() {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    // Each worker has a connection of its own, where HTTP/2 has nothing to multiplex.
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, kReceiveBuffer);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, limits.connect_timeout_ms);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, limits.stall_bytes_per_second);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.stall_seconds));
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "spyhop/" SPYHOP_VERSION);
    curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    if (!limits.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, limits.ca_file.c_str());
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &Session::on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Session::on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &Session::on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
  }

  HttpTransferResult perform(const HttpTransferRequest& asked) {
    request = &asked;
    result = {};
    header_bytes = 0;
    is_head_seen = false;
    failure = nullptr;
    std::vector<std::string> lines = asked.headers;
    lines.emplace_back("Accept-Encoding: identity");
    const HeaderList headers = make_headers(lines);
    const std::string range =
        asked.range ? std::to_string(asked.range->begin) + "-" + std::to_string(asked.range->end - 1) : "";
    curl_easy_setopt(handle, CURLOPT_URL, asked.url.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_NOBODY, asked.head_only ? 1L : 0L);
    if (!asked.head_only) curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(handle, CURLOPT_RANGE, asked.range ? range.c_str() : nullptr);

    const CURLcode code = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, nullptr);
    const bool all_there = code == CURLE_OK && announce_head();
    request = nullptr;
    if (failure) std::rethrow_exception(failure);
    result.is_complete = all_there && !result.is_refused;
    if (!result.is_complete && !result.is_refused) result.problem = curl_easy_strerror(code);
    return result;
  }
};

HttpTransfer::HttpTransfer(const HttpTransferLimits& limits) : session_(std::make_unique<Session>()) {
  start_library();
  session_->limits = limits;
  session_->handle = curl_easy_init();
  if (session_->handle == nullptr) throw Error(ErrorCode::kInternal, "libcurl cannot make a connection");
  session_->configure();
}

HttpTransfer::~HttpTransfer() {
  curl_easy_cleanup(session_->handle);
}

HttpTransferResult HttpTransfer::run(const HttpTransferRequest& request) {
  return session_->perform(request);
}

std::string percent_encoded(const std::string& text, bool keep_slashes) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos || (keep_slashes && c == '/')) {
      encoded += c;
    } else {
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace spyhop
