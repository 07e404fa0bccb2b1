// Server-sent events, as they arrive.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace spyhop {

/// Finds the events in a stream that comes in pieces of any size. Of an event only its data is of interest here; comments and
/// other fields are skipped.
/// Source: the parsing rules of the WHATWG HTML standard, section "Server-sent events".
class SseParser {
 public:
  /// Gets the data of one event, its lines joined by '\n'. The text lives until the call returns.
  using OnEvent = std::function<void(std::string_view data)>;

  /// An event that never ends is given up after `max_event_bytes`.
  explicit SseParser(size_t max_event_bytes = size_t{16} << 20) : max_event_bytes_(max_event_bytes) {}

  /// Hands over every event that is complete with these bytes. False once an event is too large; later bytes are ignored.
  [[nodiscard]] bool feed(std::string_view bytes, const OnEvent& on_event);

 private:
  void end_line(std::string_view line, const OnEvent& on_event);

  const size_t max_event_bytes_;
  std::string line_;  // the part of the current line that earlier pieces brought
  std::string data_;
  bool has_data_ = false;
  bool after_carriage_return_ = false;  // a '\n' that comes next belongs to the line's end before it
  bool at_start_ = true;                // where a byte order mark may stand
  bool too_large_ = false;
};

}  // namespace spyhop
