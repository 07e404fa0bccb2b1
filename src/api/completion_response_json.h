// text_completion objects from the events of an answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "api/answer_format.h"
#include "api/chat_response_json.h"
#include "api/running_usage.h"
#include "spyhop/chat.h"

namespace spyhop {

/// The answers as one object, log-probabilities as parallel lists.
class TextCompletionBuilder : public AnswerBuilder {
 public:
  /// `prompts`: the text that each choice begins with; empty where nothing is echoed.
  TextCompletionBuilder(CompletionHead head, AnswerShape shape, const std::vector<std::string>& prompts);

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

/// The same piece by piece.
class TextChunkFormat : public StreamFormat {
 public:
  TextChunkFormat(CompletionHead head, AnswerShape shape, const Usage& prompt_usage, std::vector<std::string> prompts);

  std::vector<SseEvent> begin() override;
  std::vector<SseEvent> add(const ChatEvent& event) override;
  std::vector<SseEvent> fail(const Error& error) override;

 private:
  SseEvent chunk(nlohmann::ordered_json choice) const;

  CompletionHead head_;
  AnswerShape shape_;
  RunningUsage usage_;
  std::vector<std::string> prompts_;
  std::vector<int> offsets_;  // per choice: characters of its text so far
};

}  // namespace spyhop
