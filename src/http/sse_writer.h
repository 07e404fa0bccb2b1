// Server-sent events.
#pragma once

#include <httplib.h>

#include <chrono>
#include <string>

namespace spyhop {

/// Frames events onto a response's body. After a write that failed nothing more is written. One thread.
class SseWriter {
 public:
  /// `keep_alive`: a comment goes out when nothing else did for that long, so that neither side takes silence for an end.
  SseWriter(httplib::DataSink& sink, std::chrono::milliseconds keep_alive);

  /// "data: `json`" and an empty line, after "event: `name`" where there is one. False when the client cannot be reached any
  /// more.
  [[nodiscard]] bool event(const std::string& json, const std::string& name = {});

  /// Writes the comment if it is due.
  [[nodiscard]] bool keep_alive();

  /// "data: [DONE]".
  [[nodiscard]] bool done();

 private:
  [[nodiscard]] bool write(const std::string& bytes);

  httplib::DataSink& sink_;
  const std::chrono::milliseconds keep_alive_;
  std::chrono::steady_clock::time_point last_write_;
  bool reachable_ = true;
};

}  // namespace spyhop
