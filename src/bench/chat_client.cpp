#include "bench/chat_client.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/json_fields.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kStopCheckInterval{100};
constexpr size_t kMaxModelListBytes = size_t{4} << 20;
constexpr int kOk = 200;

const char* fault_kind(TransferFault fault) {
  switch (fault) {
    case TransferFault::kConnect:
      return "connect";
    case TransferFault::kDisconnected:
      return "disconnected";
    case TransferFault::kMalformed:
      return "malformed";
    case TransferFault::kTimeout:
      return "timeout";
    case TransferFault::kCancelled:
      break;
  }
  return "cancelled";
}

class AnswerHandler : public ExchangeHandler {
 public:
  AnswerHandler(TimePoint sent, ChatClient::OnAnswer on_answer, ChatClient::OnText on_text)
      : gatherer_(sent), on_answer_(std::move(on_answer)), on_text_(std::move(on_text)) {}

  void on_body(int status, std::string_view bytes, TimePoint arrival) override {
    const size_t num_texts = gatherer_.num_texts();
    gatherer_.add(status, bytes, arrival);
    if (on_text_ && gatherer_.num_texts() > num_texts) on_text_(arrival);
  }
  void on_complete(int status, TimePoint arrival) override {
    gatherer_.complete(status, arrival);
    on_answer_(gatherer_.take());
  }
  void on_fault(TransferFault fault, const std::string& what, TimePoint arrival) override {
    gatherer_.fail(fault_kind(fault), what, arrival);
    on_answer_(gatherer_.take());
  }

 private:
  AnswerGatherer gatherer_;
  ChatClient::OnAnswer on_answer_;
  ChatClient::OnText on_text_;
};

/// A body as a whole.
struct Document {
  int status = 0;
  std::string body;
  std::string problem;
  bool is_over = false;
};

class DocumentHandler : public ExchangeHandler {
 public:
  explicit DocumentHandler(std::shared_ptr<Document> document) : document_(std::move(document)) {}

  void on_body(int /*status*/, std::string_view bytes, TimePoint /*arrival*/) override {
    document_->body += bytes.substr(0, kMaxModelListBytes - document_->body.size());
  }
  void on_complete(int status, TimePoint /*arrival*/) override {
    document_->status = status;
    document_->is_over = true;
  }
  void on_fault(TransferFault /*fault*/, const std::string& what, TimePoint /*arrival*/) override {
    document_->problem = what;
    document_->is_over = true;
  }

 private:
  std::shared_ptr<Document> document_;
};

}  // namespace

ChatClient::ChatClient(const ChatClientOptions& options)
    : options_(options), endpoint_(options.base_url, options.api_key, options.connect_timeout), loop_(endpoint_) {}

std::string ChatClient::first_model() {
  const auto document = std::make_shared<Document>();
  const TimePoint deadline = BenchClock::now() + options_.connect_timeout;
  loop_.start({endpoint_.get_head("/v1/models"), nullptr, std::make_unique<DocumentHandler>(document), deadline});
  while (!document->is_over) loop_.poll(deadline);
  const std::string place = url() + "/v1/models";
  const auto refuse = [&](const std::string& reason) {
    throw Error(ErrorCode::kUnavailable, place + " names no model, " + reason + "; name one", "--model");
  };
  if (document->status == 0) refuse(document->problem);
  if (document->status != kOk) refuse("but answers with status " + std::to_string(document->status));
  const json list = parse_json(document->body, place, ErrorCode::kUnavailable);
  const json& models = list.is_object() && list.contains("data") ? list["data"] : list;
  const bool has_id = models.is_array() && !models.empty() && models[0].is_object() && models[0].contains("id");
  if (!has_id || !models[0]["id"].is_string()) refuse("but answers " + in_quotes(document->body));
  return models[0]["id"].get<std::string>();
}

void ChatClient::start(std::shared_ptr<const std::string> body, OnAnswer on_answer, OnText on_text) {
  const TimePoint now = BenchClock::now();
  std::string head = endpoint_.post_head(options_.path, body->size());
  auto handler = std::make_unique<AnswerHandler>(now, std::move(on_answer), std::move(on_text));
  loop_.start({std::move(head), std::move(body), std::move(handler), now + options_.request_timeout});
}

StreamedAnswer ChatClient::ask(std::shared_ptr<const std::string> body, const std::function<bool()>& should_stop) {
  std::optional<StreamedAnswer> answer;
  start(std::move(body), [&](StreamedAnswer given) { answer = std::move(given); });
  while (!answer) {
    poll(BenchClock::now() + kStopCheckInterval);
    if (!answer && should_stop()) cancel_all();
  }
  return std::move(*answer);
}

}  // namespace spyhop
