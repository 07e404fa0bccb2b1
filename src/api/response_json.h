// Response objects of /v1/responses and the events that build them up.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/answer_format.h"
#include "spyhop/chat.h"

namespace spyhop {

/// What a response has from the beginning.
struct ResponseHead {
  std::string id;          // "resp_..."
  std::string message_id;  // "msg_...", of its answer
  int64_t created = 0;     // Unix seconds
  std::string model;       // the served name
  nlohmann::ordered_json settings;
};

enum class ResponseStatus { kInProgress, kCompleted, kIncomplete, kCancelled, kFailed };

/// The response as an object. One thread.
class ResponseBuilder : public AnswerBuilder {
 public:
  explicit ResponseBuilder(ResponseHead head) : head_(std::move(head)) {}

  void add(const ChatEvent& event) override;

  /// The object as it stands: complete after the StreamEnd.
  std::string json() const override;
  nlohmann::ordered_json object() const { return object(status_); }
  nlohmann::ordered_json object(ResponseStatus status, const Error* error = nullptr) const;

  const ResponseHead& head() const { return head_; }
  const std::string& text() const { return text_; }
  const std::vector<TokenLogprob>& logprobs() const { return logprobs_; }
  ResponseStatus status() const { return status_; }

  /// The answer as an output item, and its one part.
  nlohmann::ordered_json item(const char* status) const;
  nlohmann::ordered_json part() const;

 private:
  ResponseHead head_;
  std::string text_;
  std::vector<TokenLogprob> logprobs_;
  FinishReason reason_ = FinishReason::kStop;
  Usage usage_;
  ResponseStatus status_ = ResponseStatus::kInProgress;
  int64_t completed_ = 0;  // Unix seconds
};

/// The response as events with names and numbers.
class ResponseStreamFormat : public StreamFormat {
 public:
  explicit ResponseStreamFormat(ResponseHead head) : builder_(std::move(head)) {}

  std::vector<SseEvent> begin() override;
  std::vector<SseEvent> add(const ChatEvent& event) override;
  std::vector<SseEvent> fail(const Error& error) override;
  bool says_done() const override { return false; }

 private:
  SseEvent event(const char* type, nlohmann::ordered_json fields);
  std::vector<SseEvent> end();

  ResponseBuilder builder_;
  int num_events_ = 0;
};

}  // namespace spyhop
