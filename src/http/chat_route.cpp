#include "http/chat_route.h"

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/chat_request_json.h"
#include "api/chat_response_json.h"
#include "api/error_json.h"
#include "http/answer_reader.h"
#include "http/answers.h"
#include "http/request_id.h"
#include "http/sse_writer.h"

namespace spyhop {
namespace {

constexpr std::chrono::seconds kPingInterval{10};

ChatCompletionCall parse_call(RouteCall& call, const ServerState& state) {
  ChatRequestLimits limits;
  limits.max_messages = state.config.max_messages;
  ChatCompletionCall parsed = parse_chat_request(call.body, limits);
  call.body = {};
  parsed.request.request_id = call.exchange.request_id;
  return parsed;
}

void collect_answer(RouteCall& call, AnswerReader reader, CompletionHead head, const AnswerShape& shape) {
  CompletionBuilder builder(std::move(head), shape);
  for (;;) {
    const std::optional<ChatEvent> event = reader.next();
    if (!event) continue;
    if (const auto* end = std::get_if<StreamEnd>(&*event)) {
      return answer_json(call.response, builder.json(end->usage, shape.wanted(end->timings)));
    }
    if (const auto* delta = std::get_if<TextDelta>(&*event)) builder.add(*delta);
    if (const auto* finish = std::get_if<ChoiceFinish>(&*event)) builder.add(*finish);
  }
}

/// An answer written as it comes, once the response's headers are out.
class StreamedAnswer {
 public:
  StreamedAnswer(AnswerReader reader, CompletionHead head, AnswerShape shape, Exchange& exchange)
      : reader_(std::move(reader)),
        images_(head.images),
        format_(std::move(head), shape.include_usage),
        shape_(shape),
        answers_(static_cast<size_t>(shape.num_choices)),
        exchange_(exchange) {}

  /// Writes it whole. False when the client could not be reached to the end.
  bool write(httplib::DataSink& sink) {
    SseWriter writer(sink, kPingInterval);
    bool reached = false;
    try {
      reached = write_events(writer);
    } catch (...) {
      const Error error = to_error(std::current_exception(), exchange_.request_id);
      exchange_.note = std::string("outcome=") + error_shape(error.code()).code;
      reached = error.code() != ErrorCode::kCancelled && writer.event(error_event(error));
    }
    reader_.reset();
    if (reached) {
      sink.done();
    } else {
      exchange_.note = std::string("outcome=") + error_shape(ErrorCode::kCancelled).code;
    }
    return reached;
  }

 private:
  bool write_events(SseWriter& writer) {
    for (int choice = 0; choice < shape_.num_choices; ++choice) {
      if (!writer.event(format_.role(choice))) return false;
    }
    for (;;) {
      const std::optional<ChatEvent> event = reader_->next();
      if (!event) {
        if (!writer.keep_alive()) return false;
      } else if (const auto* end = std::get_if<StreamEnd>(&*event)) {
        return write_last(writer, *end) && writer.done();
      } else if (!write_event(writer, *event)) {
        return false;
      }
    }
  }

  bool write_last(SseWriter& writer, const StreamEnd& end) const {
    if (!shape_.include_usage && !shape_.include_metrics) return true;
    return writer.event(format_.last(end.usage, shape_.wanted(end.timings)));
  }

  bool write_event(SseWriter& writer, const ChatEvent& event) {
    if (const auto* finish = std::get_if<ChoiceFinish>(&event)) {
      const std::string& answer = answers_.at(static_cast<size_t>(finish->choice));
      return writer.event(format_.finish(*finish, boxes_of(answer, shape_.wants_boxes, images_)));
    }
    const auto& delta = std::get<TextDelta>(event);
    if (!images_.empty()) answers_.at(static_cast<size_t>(delta.choice)) += delta.text;
    return (delta.text.empty() && delta.logprobs.empty()) || writer.event(format_.delta(delta));
  }

  std::optional<AnswerReader> reader_;
  const std::vector<ImageUse> images_;
  const ChunkFormat format_;
  const AnswerShape shape_;
  std::vector<std::string> answers_;  // so far, where they are about images
  Exchange& exchange_;
};

void stream_answer(RouteCall& call, std::shared_ptr<StreamedAnswer> answer) {
  const auto provider = [answer = std::move(answer)](size_t, httplib::DataSink& sink) { return answer->write(sink); };
  call.response.status = 200;
  call.response.set_header("Cache-Control", "no-cache");
  call.response.set_header("X-Accel-Buffering", "no");
  if (call.request.version == "HTTP/1.0") {
    call.response.set_content_provider("text/event-stream", provider);  // no chunks there: the connection's end is the answer's
  } else {
    call.response.set_chunked_content_provider("text/event-stream", provider);
  }
}

void handle_chat(RouteCall& call, const ServerState& state) {
  ChatCompletionCall parsed = parse_call(call, state);
  const std::shared_ptr<Engine> engine = state.models.find_engine(parsed.request.model);
  const ModelInfo served = engine->model();
  parsed.request.model = served.id;
  CompletionHead head{make_id("chatcmpl-"), std::time(nullptr), served.id, served.fingerprint};
  const AnswerShape shape{parsed.request.n, parsed.request.sampling.logprobs, parsed.wants_boxes, parsed.include_usage,
                          parsed.include_metrics};
  AnswerReader reader(engine, std::move(parsed.request), call.exchange.connection, state);
  head.images = reader.images();
  if (parsed.stream) {
    stream_answer(call, std::make_shared<StreamedAnswer>(std::move(reader), head, shape, call.exchange));
  } else {
    collect_answer(call, std::move(reader), head, shape);
  }
}

}  // namespace

Route chat_route(const ServerState& state) {
  return {"POST", "/v1/chat/completions", [&state](RouteCall& call) { handle_chat(call, state); }};
}

}  // namespace spyhop
