#include "http/answer_delivery.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "api/error_json.h"
#include "http/answers.h"
#include "http/sse_writer.h"

namespace spyhop {
namespace {

constexpr std::chrono::seconds kPingInterval{10};

class StreamedAnswer {
 public:
  StreamedAnswer(StreamDelivery delivery, Exchange& exchange)
      : answers_(std::move(delivery.answers)),
        format_(std::move(delivery.format)),
        watch_(std::move(delivery.watch)),
        exchange_(exchange) {}

  /// Writes it whole. False when the client could not be reached to the end.
  bool write(httplib::DataSink& sink) {
    SseWriter writer(sink, kPingInterval);
    bool reached = false;
    try {
      reached = write_answer(writer);
    } catch (...) {
      const Error error = to_error(std::current_exception(), exchange_.request_id);
      exchange_.note = std::string("outcome=") + error_shape(error.code()).code;
      reached = error.code() != ErrorCode::kCancelled && write_all(writer, format_->fail(error));
    }
    answers_.reset();
    if (reached) {
      sink.done();
    } else {
      exchange_.note = std::string("outcome=") + error_shape(ErrorCode::kCancelled).code;
    }
    return reached;
  }

 private:
  static bool write_all(SseWriter& writer, const std::vector<SseEvent>& events) {
    for (const SseEvent& event : events) {
      if (!writer.event(event.json, event.name)) return false;
    }
    return true;
  }

  bool write_answer(SseWriter& writer) {
    if (!write_all(writer, format_->begin())) return false;
    for (;;) {
      const std::optional<ChatEvent> event = answers_->next();
      if (!event) {
        if (!writer.keep_alive()) return false;
        continue;
      }
      if (watch_) watch_(*event);
      if (!write_all(writer, format_->add(*event))) return false;
      if (std::holds_alternative<StreamEnd>(*event)) return !format_->says_done() || writer.done();
    }
  }

  std::optional<AnswerGroup> answers_;
  const std::unique_ptr<StreamFormat> format_;
  const std::function<void(const ChatEvent&)> watch_;
  Exchange& exchange_;
};

}  // namespace

void collect_answer(RouteCall& call, AnswerGroup& answers, AnswerBuilder& builder) {
  for (;;) {
    const std::optional<ChatEvent> event = answers.next();
    if (!event) continue;
    builder.add(*event);
    if (std::holds_alternative<StreamEnd>(*event)) return answer_json(call.response, builder.json());
  }
}

void stream_answer(RouteCall& call, StreamDelivery delivery) {
  const auto answer = std::make_shared<StreamedAnswer>(std::move(delivery), call.exchange);
  const auto provider = [answer](size_t, httplib::DataSink& sink) { return answer->write(sink); };
  call.response.status = 200;
  call.response.set_header("Cache-Control", "no-cache");
  call.response.set_header("X-Accel-Buffering", "no");
  if (call.request.version == "HTTP/1.0") {
    call.response.set_content_provider("text/event-stream", provider);  // no chunks there: the connection's end is the answer's
  } else {
    call.response.set_chunked_content_provider("text/event-stream", provider);
  }
}

}  // namespace spyhop
