// The events of an answer, for as long as anyone wants them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "http/connection.h"
#include "http/server_state.h"
#include "spyhop/engine.h"

namespace spyhop {

/// Reads a ResponseStream while watching the client's connection. Destroying it cancels what is not finished. One thread.
class AnswerReader {
 public:
  /// Submits the request, and throws what Engine::submit() throws. Keeps the engine alive.
  AnswerReader(std::shared_ptr<Engine> engine, ChatRequest request, const Connection& connection, const ServerState& state);

  /// The next event, never a StreamError, or nothing when none came within a tenth of a second.
  /// Throws Error{kCancelled} when the client has gone, which is noticed as soon; Error{kUnavailable} when the server
  /// stops; and the Error that a StreamError stands for.
  std::optional<ChatEvent> next();

  /// What the prompt and its images take, see ResponseStream.
  Usage prompt_usage() const { return stream_->prompt_usage(); }
  std::vector<ImageUse> images() const { return stream_->images(); }

 private:
  void check_wanted();

  std::shared_ptr<Engine> engine_;  // before stream_, which is destroyed first
  std::unique_ptr<OpenRequests::Registration> registration_;
  std::unique_ptr<ResponseStream> stream_;
  const Connection& connection_;
  const ServerState& state_;
  std::chrono::steady_clock::time_point last_check_;
};

}  // namespace spyhop
