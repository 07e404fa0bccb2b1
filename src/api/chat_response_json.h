// chat.completion and chat.completion.chunk objects from the events of an answer.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/answer_format.h"
#include "api/running_usage.h"
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
  bool logprobs = false;             // so that "logprobs" is an object and not null
  bool wants_boxes = false;          // "grounding" is there even where an answer holds no box
  bool include_usage = false;        // of a stream: usage in the last chunk, and null for it in every one before
  bool continuous_usage = false;     // the usage so far in place of that null
  bool include_metrics = false;      // timings as "metrics", of a stream in its last chunk
  std::vector<std::string> stops{};  // the request's, which an answer's stop_reason is one of
};

/// "stop" or "length".
const char* finish_name(FinishReason reason);

/// vLLM's "stop_reason": the stop string or stop token that ended a choice, or null.
nlohmann::ordered_json stop_reason_json(const ChoiceFinish& finish, const std::vector<std::string>& stops);

/// Throws Error{kInternal} unless there is such a choice.
void check_choice(int index, size_t num_choices);

/// The answer as one object. Bytes that are not UTF-8 are replaced in texts and kept exact in the tokens' "bytes".
class CompletionBuilder : public AnswerBuilder {
 public:
  CompletionBuilder(CompletionHead head, AnswerShape shape);

  void add(const ChatEvent& event) override;
  std::string json() const override;

 private:
  struct Choice {
    std::string text;
    std::vector<TokenLogprob> logprobs;
    ChoiceFinish finish;
  };

  CompletionHead head_;
  AnswerShape shape_;
  std::vector<Choice> choices_;
  StreamEnd end_;
};

/// The answer as chunks: per choice its role, then its texts, then its end; at last one without choices where something of it
/// was asked for.
class ChunkFormat : public StreamFormat {
 public:
  ChunkFormat(CompletionHead head, AnswerShape shape, const Usage& prompt_usage);

  std::vector<SseEvent> begin() override;
  std::vector<SseEvent> add(const ChatEvent& event) override;
  std::vector<SseEvent> fail(const Error& error) override;

 private:
  SseEvent chunk(nlohmann::ordered_json choice, nlohmann::ordered_json warnings = {}) const;

  CompletionHead head_;
  AnswerShape shape_;
  RunningUsage usage_;
  std::vector<std::string> answers_;  // so far, where they are about images
};

}  // namespace spyhop
