// POST /v1/grounding: the answer.
#pragma once

#include <string>
#include <vector>

#include "api/answer_format.h"
#include "api/chat_response_json.h"
#include "api/grounding.h"

namespace spyhop {

/// What became of one phrase, from the events of its answer.
class PhraseAnswer {
 public:
  /// `image`: the one that is asked about, as the engine takes it.
  PhraseAnswer(std::string phrase, const ImageUse& image) : phrase_(std::move(phrase)), image_(image) {}

  void add(const ChatEvent& event);

  /// {"phrase", "boxes", "text", "finish_reason", "stop_reason"}, the boxes as grounding_json() has them.
  nlohmann::ordered_json json() const;

  const std::string& phrase() const { return phrase_; }
  const ImageUse& image() const { return image_; }
  const Usage& usage() const { return usage_; }
  std::vector<GroundedBox> boxes() const { return parse_grounding(text_); }

 private:
  std::string phrase_;
  ImageUse image_;
  std::string text_;
  ChoiceFinish finish_;
  Usage usage_;
};

/// The route's answer. At least one phrase.
std::string grounding_answer_json(const CompletionHead& head, const std::vector<PhraseAnswer>& answers);

}  // namespace spyhop
