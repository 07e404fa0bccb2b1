#include "bench/streamed_answer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/problem_list.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr int kOk = 200;
constexpr size_t kMaxRefusalBytes = size_t{64} << 10;
constexpr size_t kMaxMessageBytes = 300;

double seconds_between(TimePoint begin, TimePoint end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// The member `key` of an object, or null where there is none.
const json& member(const json& object, const char* key) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::optional<int> count(const json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<int64_t>();
  if (number < 0 || number > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(number);
}

/// The message of OpenAI's error object, of similar ones, or all of it.
std::string error_message(const json& error) {
  const json& message = member(error, "message");
  if (message.is_string()) return in_quotes(message.get_ref<const std::string&>(), kMaxMessageBytes);
  return in_quotes(error.dump(-1, ' ', false, json::error_handler_t::replace), kMaxMessageBytes);
}

}  // namespace

double StreamedAnswer::ttft_seconds() const {
  return seconds_between(sent, text_times.empty() ? last : text_times.front());
}

double StreamedAnswer::e2e_seconds() const {
  return seconds_between(sent, last);
}

std::optional<double> StreamedAnswer::tpot_seconds() const {
  const size_t num_tokens = num_output_tokens();
  if (num_tokens < 2 || text_times.empty()) return std::nullopt;
  return seconds_between(text_times.front(), last) / static_cast<double>(num_tokens - 1);
}

size_t StreamedAnswer::num_output_tokens() const {
  return completion_tokens ? static_cast<size_t>(*completion_tokens) : text_times.size();
}

void AnswerGatherer::add(int status, std::string_view bytes, TimePoint arrival) {
  if (answer_.fault) return;
  if (status != kOk) {
    other_body_ += bytes.substr(0, kMaxRefusalBytes - other_body_.size());
    return;
  }
  if (answer_.last == TimePoint()) other_body_ += bytes.substr(0, kMaxRefusalBytes - other_body_.size());
  const bool fits = parser_.feed(bytes, [&](std::string_view data) { read_event(data, arrival); });
  if (!fits) fail("malformed", "an event of the stream is too large", arrival);
}

void AnswerGatherer::read_event(std::string_view data, TimePoint arrival) {
  if (answer_.fault || is_done_) return;
  if (data == "[DONE]") {
    is_done_ = true;
    return;
  }
  const json chunk = json::parse(data, nullptr, /*allow_exceptions=*/false);
  if (!chunk.is_object()) return fail("malformed", "an event of the stream is no JSON object: " + in_quotes(data), arrival);
  const json& error = member(chunk, "error");
  if (!error.is_null()) return fail("stream_error", error_message(error), arrival);
  const json& choices = member(chunk, "choices");
  if (choices.is_array() && !choices.empty()) read_choice(choices.front(), arrival);
  read_usage(member(chunk, "usage"));
}

void AnswerGatherer::read_choice(const json& choice, TimePoint arrival) {
  const json& delta = member(choice, "delta");
  for (const json* text : {&member(delta, "reasoning_content"), &member(delta, "content"), &member(choice, "text")}) {
    if (!text->is_string() || text->get_ref<const std::string&>().empty()) continue;
    answer_.text += text->get_ref<const std::string&>();
    answer_.text_times.push_back(arrival);
    answer_.last = arrival;
  }
  const json& reason = member(choice, "finish_reason");
  if (!reason.is_string()) return;
  answer_.finish_reason = reason.get<std::string>();
  answer_.last = arrival;
}

void AnswerGatherer::read_usage(const json& usage) {
  if (!usage.is_object()) return;
  answer_.prompt_tokens = count(member(usage, "prompt_tokens"));
  answer_.completion_tokens = count(member(usage, "completion_tokens"));
  const json& details = member(usage, "prompt_tokens_details");
  answer_.cached_tokens = count(member(details, "cached_tokens")).value_or(0);
  answer_.image_tokens = count(member(details, "image_tokens")).value_or(0);
}

void AnswerGatherer::complete(int status, TimePoint arrival) {
  if (answer_.fault) return;
  if (status != kOk) return fail("http_" + std::to_string(status), describe_refusal(), arrival);
  if (answer_.finish_reason.empty()) {
    const bool is_stream = is_done_ || answer_.last != TimePoint();
    fail("incomplete", is_stream ? "the stream ended without a finish reason" : "no event stream but " + describe_refusal(),
         arrival);
  }
}

void AnswerGatherer::fail(const std::string& kind, const std::string& message, TimePoint arrival) {
  if (answer_.fault) return;
  answer_.fault = AnswerFault{kind, message};
  answer_.last = arrival;
}

std::string AnswerGatherer::describe_refusal() const {
  const json body = json::parse(other_body_, nullptr, /*allow_exceptions=*/false);
  const json& error = member(body, "error");
  if (!error.is_null()) return error_message(error);
  return body.is_discarded() ? in_quotes(other_body_, kMaxMessageBytes) : error_message(body);
}

}  // namespace spyhop
