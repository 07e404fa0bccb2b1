// The answers to several prompts of one request, as if they were one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "http/answer_reader.h"

namespace spyhop {

/// Reads one answer after the other; they are generated at the same time. Choices are counted through. One thread.
class AnswerGroup {
 public:
  /// Submits the requests, at least one, which all want the same number of answers. Throws what Engine::submit() throws.
  AnswerGroup(const std::shared_ptr<Engine>& engine, std::vector<ChatRequest> requests, const Connection& connection,
              const ServerState& state);

  /// As AnswerReader::next(). There is one StreamEnd, with the sums of all.
  std::optional<ChatEvent> next();

  /// What all prompts take, and their images.
  Usage prompt_usage() const;
  std::vector<ImageUse> images() const;

 private:
  std::optional<ChatEvent> end_of_one(const StreamEnd& end);

  std::vector<std::unique_ptr<AnswerReader>> readers_;
  size_t current_ = 0;
  int num_choices_ = 1;  // of each
  StreamEnd total_;
};

}  // namespace spyhop
