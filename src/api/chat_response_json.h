// chat.completion and chat.completion.chunk objects from the events of an answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/grounding.h"
#include "spyhop/chat.h"

namespace spyhop {

/// What a completion and all its chunks have in common.
struct CompletionHead {
  std::string id;                  // "chatcmpl-..."
  int64_t created = 0;             // Unix seconds
  std::string model;               // the served name
  std::string fingerprint;         // of build and weights; empty = null
  std::vector<ImageUse> images{};  // of the request; what is to be said of them comes with the first choice
};

/// What of an answer was asked for.
struct AnswerShape {
  int num_choices = 1;
  bool logprobs = false;       // "logprobs" is an object, not null
  bool wants_boxes = false;    // "grounding" is there even where an answer holds no box
  bool include_usage = false;  // in streams: a last chunk with the usage
  bool include_metrics = false;

  std::optional<Timings> wanted(const Timings& timings) const {
    return include_metrics ? std::optional<Timings>(timings) : std::nullopt;
  }
};

/// The answer as one object. Bytes that are not UTF-8 are replaced in texts and kept exact in the tokens' "bytes".
class CompletionBuilder {
 public:
  CompletionBuilder(CompletionHead head, const AnswerShape& shape);

  /// Throws Error{kInternal} on an event of a choice that does not exist.
  void add(const TextDelta& delta);
  void add(const ChoiceFinish& finish);

  /// `timings`, where wanted, become "metrics".
  std::string json(const Usage& usage, const std::optional<Timings>& timings = std::nullopt) const;

 private:
  struct Choice {
    std::string text;
    std::vector<TokenLogprob> logprobs;
    ChoiceFinish finish;
  };
  Choice& choice(int index);

  CompletionHead head_;
  std::vector<Choice> choices_;
  AnswerShape shape_;
};

/// The answer as chunks: per choice role(), then delta()s, then finish(); at the end last() where something of it was asked
/// for.
class ChunkFormat {
 public:
  /// `include_usage` puts "usage" into the last chunk, and null for it into every one before.
  ChunkFormat(CompletionHead head, bool include_usage);

  std::string role(int choice) const;
  std::string delta(const TextDelta& delta) const;
  /// `boxes`, where there are some to report, become "grounding" of the delta.
  std::string finish(const ChoiceFinish& finish, const std::optional<AnswerBoxes>& boxes = std::nullopt) const;

  /// The chunk without choices: `timings`, where wanted, become "metrics".
  std::string last(const Usage& usage, const std::optional<Timings>& timings = std::nullopt) const;

 private:
  CompletionHead head_;
  bool include_usage_;
};

}  // namespace spyhop
