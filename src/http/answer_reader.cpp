#include "http/answer_reader.h"

#include <utility>
#include <variant>

namespace spyhop {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

}  // namespace

AnswerReader::AnswerReader(std::shared_ptr<Engine> engine, ChatRequest request, const Connection& connection,
                           const ServerState& state)
    : engine_(std::move(engine)),
      registration_(std::make_unique<OpenRequests::Registration>(state.open_requests, engine_->model().id, request.request_id)),
      stream_(engine_->submit(std::move(request))),
      connection_(connection),
      state_(state) {}

void AnswerReader::check_wanted() {
  if (state_.stopping) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
  if (registration_->is_aborted()) throw Error(ErrorCode::kCancelled, "the request was aborted");
  if (connection_.client_gone()) throw Error(ErrorCode::kCancelled, "the client has closed the connection");
  last_check_ = std::chrono::steady_clock::now();
}

std::optional<ChatEvent> AnswerReader::next() {
  if (std::chrono::steady_clock::now() - last_check_ >= kPollInterval) check_wanted();
  std::optional<ChatEvent> event = stream_->next(kPollInterval);
  if (!event) {
    check_wanted();
  } else if (const auto* error = std::get_if<StreamError>(&*event)) {
    throw Error(error->code, error->message);
  }
  return event;
}

}  // namespace spyhop
