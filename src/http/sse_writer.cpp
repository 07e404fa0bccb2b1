#include "http/sse_writer.h"

namespace spyhop {

using Clock = std::chrono::steady_clock;

SseWriter::SseWriter(httplib::DataSink& sink, std::chrono::milliseconds keep_alive)
    : sink_(sink), keep_alive_(keep_alive), last_write_(Clock::now()) {}

bool SseWriter::write(const std::string& bytes) {
  reachable_ = reachable_ && sink_.write(bytes.data(), bytes.size());
  last_write_ = Clock::now();
  return reachable_;
}

bool SseWriter::event(const std::string& json, const std::string& name) {
  return write((name.empty() ? "" : "event: " + name + "\n") + "data: " + json + "\n\n");
}

bool SseWriter::keep_alive() {
  return Clock::now() - last_write_ < keep_alive_ ? reachable_ : write(": ping\n\n");
}

bool SseWriter::done() {
  return write("data: [DONE]\n\n");
}

}  // namespace spyhop
