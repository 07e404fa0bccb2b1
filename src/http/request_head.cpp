#include "http/request_head.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace spyhop {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != std::string_view::npos;
  });
}

bool has_control_character(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

std::vector<std::string_view> split_lines(std::string_view raw) {
  std::vector<std::string_view> lines;
  for (size_t end = raw.find("\r\n"); end != std::string_view::npos && end > 0; end = raw.find("\r\n")) {
    lines.push_back(raw.substr(0, end));
    raw.remove_prefix(end + 2);
  }
  return lines;
}

std::string escape_percent(std::string_view value) {
  std::string escaped;
  for (const char c : value) escaped += c == '%' ? "%25" : std::string(1, c);
  return escaped;
}

bool may_have_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

/// Reads one head line by line; the first fault ends it.
class HeadParser {
 public:
  std::variant<RequestHead, BadHead> parse(std::string_view raw) {
    const std::vector<std::string_view> lines = split_lines(raw);
    if (lines.empty()) return BadHead{400, "the request line is missing"};
    if (lines.size() > kMaxHeaderLines + 1)
      return BadHead{431, "too many header lines; allowed: " + std::to_string(kMaxHeaderLines)};
    std::optional<BadHead> fault = read_request_line(lines.front());
    for (size_t i = 1; i < lines.size() && !fault; ++i) fault = read_header(lines[i]);
    if (!fault) fault = finish();
    if (fault) return *fault;
    return std::move(head_);
  }

 private:
  std::optional<BadHead> read_request_line(std::string_view line) {
    const size_t first = line.find(' ');
    const size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return BadHead{400, "the request line is malformed"};
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    method_ = line.substr(0, first);
    if (!is_token(method_)) return BadHead{400, "the method is malformed"};
    if (target.size() > kMaxTargetBytes) {
      return BadHead{414, "the request target has " + std::to_string(target.size()) +
                              " bytes; allowed: " + std::to_string(kMaxTargetBytes)};
    }
    if (target.empty() || (target.front() != '/' && target != "*")) return BadHead{400, "the request target is not a path"};
    if (!std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c <= '~'; })) {
      return BadHead{400, "the request target holds characters that are not allowed in one"};
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
      return BadHead{505, "the HTTP version is not supported; allowed: HTTP/1.1, HTTP/1.0"};
    is_http_1_0_ = version == "HTTP/1.0";
    head_.close = is_http_1_0_;
    head_.text.append(line).append("\r\n");
    return std::nullopt;
  }

  std::optional<BadHead> read_header(std::string_view line) {
    if (line.size() > kMaxHeaderLineBytes) {
      return BadHead{
          431, "a header line has " + std::to_string(line.size()) + " bytes; allowed: " + std::to_string(kMaxHeaderLineBytes)};
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || has_control_character(line)) {
      return BadHead{400, "header line " + std::to_string(num_headers_ + 1) + " is malformed"};
    }
    ++num_headers_;
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "range" || name == "accept-encoding" || name == "keep-alive") return std::nullopt;
    if (name == "connection") return read_connection(value);
    if (name == "expect") return read_expect(value);
    if (name == "content-length") return read_content_length(value);
    if (name == "transfer-encoding") return read_transfer_encoding(value);
    keep(line.substr(0, colon), value);
    return std::nullopt;
  }

  std::optional<BadHead> read_connection(std::string_view value) {
    const std::string options = "," + lower(value) + ",";
    std::string compact;
    std::copy_if(options.begin(), options.end(), std::back_inserter(compact), [](char c) { return c != ' ' && c != '\t'; });
    if (compact.find(",close,") != std::string::npos) head_.close = true;
    return std::nullopt;
  }

  std::optional<BadHead> read_expect(std::string_view value) {
    if (lower(value) != "100-continue") return BadHead{417, "the expectation is unknown; allowed: 100-continue"};
    head_.expects_continue = !is_http_1_0_;
    return std::nullopt;
  }

  std::optional<BadHead> read_content_length(std::string_view value) {
    constexpr size_t kMaxDigits = 18;
    const bool digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (has_length_ || value.empty() || value.size() > kMaxDigits || !digits)
      return BadHead{400, "Content-Length is malformed"};
    has_length_ = true;
    head_.content_length = std::stoull(std::string(value));
    return std::nullopt;
  }

  std::optional<BadHead> read_transfer_encoding(std::string_view value) {
    if (head_.chunked || is_http_1_0_ || lower(value) != "chunked") {
      return BadHead{400, "Transfer-Encoding is not supported as sent; allowed: chunked, once"};
    }
    head_.chunked = true;
    return std::nullopt;
  }

  std::optional<BadHead> finish() {
    if (has_length_ && head_.chunked) return BadHead{400, "Content-Length and Transfer-Encoding contradict each other"};
    if (head_.chunked) {
      keep("Transfer-Encoding", "chunked");
    } else if (has_length_ || may_have_body(method_)) {
      keep("Content-Length", std::to_string(head_.content_length));
    }
    if (head_.close) keep("Connection", "close");
    head_.text.append("\r\n");
    return std::nullopt;
  }

  void keep(std::string_view name, std::string_view value) {
    head_.text.append(name).append(": ").append(escape_percent(value)).append("\r\n");
  }

  RequestHead head_;
  std::string_view method_;
  size_t num_headers_ = 0;
  bool has_length_ = false;
  bool is_http_1_0_ = false;
};

}  // namespace

std::variant<RequestHead, BadHead> parse_request_head(std::string_view raw) {
  return HeadParser().parse(raw);
}

}  // namespace spyhop
