// The head of an HTTP request, made safe for the parser behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace spyhop {

constexpr size_t kMaxHeadBytes = 32768;
constexpr size_t kMaxHeaderLines = 100;
constexpr size_t kMaxHeaderLineBytes = 8000;
constexpr size_t kMaxTargetBytes = 2048;

struct RequestHead {
  std::string text;               // request line and headers as the parser is to see them, blank line included
  bool close = false;             // the connection ends after the answer
  bool expects_continue = false;  // the client waits for "100 Continue" before it sends the body
  bool chunked = false;
  uint64_t content_length = 0;  // bytes; 0 when chunked
};

struct BadHead {
  int status = 400;
  std::string message;
};

/// Reads `raw`, which ends with its blank line. What cpp-httplib 0.11 would mistake is refused or rewritten:
/// - refused: control characters, folded lines, lengths that contradict each other, any transfer coding but chunked;
/// - left out: Range (it would cut JSON and its regular expression recurses), Accept-Encoding (it would compress every
///   answer), Connection and Expect (handled here);
/// - added: a Content-Length of 0 where a POST names none, for which the parser would wait for the connection's end;
/// - escaped: "%" in values, which the parser decodes as in a URL.
std::variant<RequestHead, BadHead> parse_request_head(std::string_view raw);

}  // namespace spyhop
