#include "http/response_routes.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/json_text.h"
#include "api/response_json.h"
#include "api/response_request_json.h"
#include "api/token_json.h"
#include "http/answer_delivery.h"
#include "http/answers.h"
#include "http/generation_call.h"
#include "http/request_id.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

/// Stores a response while it is generated, and what has become of it at the end. Thread safety: one thread.
class ResponseRecord {
 public:
  ResponseRecord(ResponseStore& store, ResponseHead head, StoredResponse stored)
      : store_(store), builder_(std::move(head)), stored_(std::move(stored)) {
    StoredResponse begun = stored_;
    begun.json = builder_.json();
    begun.in_progress = true;
    store_.put(std::move(begun));
  }
  ~ResponseRecord() {
    if (is_over_) return;
    try {
      stored_.json = to_text(builder_.object(ResponseStatus::kCancelled));
      store_.finish(std::move(stored_));
    } catch (const std::exception&) {
      // It stays in progress until it is too old.
    }
  }
  ResponseRecord(const ResponseRecord&) = delete;
  ResponseRecord& operator=(const ResponseRecord&) = delete;

  void add(const ChatEvent& event) {
    builder_.add(event);
    if (!std::holds_alternative<StreamEnd>(event)) return;
    is_over_ = true;
    stored_.json = builder_.json();
    stored_.conversation.push_back({Role::kAssistant, {TextPart{builder_.text()}}});
    store_.finish(std::move(stored_));
  }

 private:
  ResponseStore& store_;
  ResponseBuilder builder_;
  StoredResponse stored_;
  bool is_over_ = false;
};

/// Tells a record what the builder is told.
class RecordingBuilder : public AnswerBuilder {
 public:
  RecordingBuilder(ResponseHead head, std::shared_ptr<ResponseRecord> record)
      : builder_(std::move(head)), record_(std::move(record)) {}

  void add(const ChatEvent& event) override {
    builder_.add(event);
    if (record_) record_->add(event);
  }
  std::string json() const override { return builder_.json(); }

 private:
  ResponseBuilder builder_;
  const std::shared_ptr<ResponseRecord> record_;
};

/// The messages of the response that `call` goes on from; none for a new conversation.
std::vector<ChatMessage> previous_messages(const ResponseCall& call, const ServerState& state) {
  if (call.previous_response_id.empty()) return {};
  const auto previous = state.responses.get(call.previous_response_id, "previous_response_id");
  if (!previous->in_progress) return previous->conversation;
  throw Error(ErrorCode::kInvalidRequest,
              "previous_response_id names a response that is still in progress; allowed: one that has ended",
              "previous_response_id");
}

Json with_ids(Json items) {
  for (Json& item : items) {
    Json named = {{"id", make_id("msg_")}};
    named.update(item);
    item = std::move(named);
  }
  return items;
}

/// The request of `call` with its whole conversation; returns how many messages stand before the input.
size_t complete_conversation(ResponseCall& call, const ServerState& state) {
  call.request.messages = conversation_of(call, previous_messages(call, state));
  return call.request.messages.size() - call.input.size();
}

/// What is stored of the response besides its object.
StoredResponse to_store(const ResponseCall& call, const std::string& id) {
  StoredResponse stored;
  stored.id = id;
  stored.items = to_text(with_ids(call.items));
  stored.conversation = call.request.messages;
  if (!call.instructions.empty()) stored.conversation.erase(stored.conversation.begin());
  stored.model_uid = call.request.model;
  stored.request_id = call.request.request_id;
  return stored;
}

/// Submits the request, errors of its messages put on its input.
AnswerGroup submit(ResponseCall& call, size_t num_before, const ServedModel& model, RouteCall& route,
                   const ServerState& state) {
  try {
    std::vector<ChatRequest> requests;
    requests.push_back(std::move(call.request));
    return AnswerGroup(model.engine, std::move(requests), route.exchange.connection, state);
  } catch (const Error& e) {
    throw blame_input(e, num_before);
  }
}

void create(RouteCall& call, const ServerState& state) {
  auto body = std::make_unique<RequestBody>(std::move(call.body), response_fields());
  const ServedModel model(state, body->model());
  ResponseCall parsed = parse_response_request(*body, request_limits(state, model.info));
  body.reset();
  const size_t num_before = complete_conversation(parsed, state);
  begin_request(parsed.request, "", model.info, call.exchange);
  const ResponseHead head{make_id("resp_"), make_id("msg_"), std::time(nullptr), model.info.id, parsed.settings};
  const bool is_stored = parsed.store && state.config.max_stored_responses > 0;
  StoredResponse stored = is_stored ? to_store(parsed, head.id) : StoredResponse();
  AnswerGroup answers = submit(parsed, num_before, model, call, state);
  std::shared_ptr<ResponseRecord> record;
  if (is_stored) record = std::make_shared<ResponseRecord>(state.responses, head, std::move(stored));
  if (parsed.stream) {
    StreamDelivery delivery{std::move(answers), std::make_unique<ResponseStreamFormat>(head), {}};
    if (record) delivery.watch = [record](const ChatEvent& event) { record->add(event); };
    return stream_answer(call, std::move(delivery));
  }
  RecordingBuilder builder(head, record);
  collect_answer(call, answers, builder);
}

void count_tokens(RouteCall& call, const ServerState& state) {
  const RequestBody body(std::move(call.body), response_fields());
  const ServedModel model(state, body.model());
  ResponseCall parsed = parse_response_request(body, request_limits(state, model.info));
  const size_t num_before = complete_conversation(parsed, state);
  try {
    answer_json(call.response, input_tokens_json(model.engine->tokenize(parsed.request, /*with_tokens=*/false)));
  } catch (const Error& e) {
    throw blame_input(e, num_before);
  }
}

void show(RouteCall& call, const ServerState& state) {
  answer_json(call.response, state.responses.get(call.path_values[0])->json);
}

void erase(RouteCall& call, const ServerState& state) {
  const std::string& id = call.path_values[0];
  state.responses.erase(id);
  answer_json(call.response, to_text({{"id", id}, {"object", "response"}, {"deleted", true}}));
}

/// How many items a page has.
size_t page_size(const RouteCall& call) {
  constexpr size_t kDefault = 20;
  constexpr size_t kMost = 100;
  if (!call.request.has_param("limit")) return kDefault;
  const std::string text = call.request.get_param_value("limit");
  const bool is_number =
      !text.empty() && text.size() <= 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const size_t limit = is_number ? std::stoul(text) : 0;
  if (limit < 1 || limit > kMost) reject("limit", text, "1 to 100");
  return limit;
}

void list_input(RouteCall& call, const ServerState& state) {
  const Json items = Json::parse(state.responses.get(call.path_values[0])->items);
  std::vector<Json> ordered(items.begin(), items.end());
  const std::string order = call.request.has_param("order") ? call.request.get_param_value("order") : "desc";
  if (order != "asc" && order != "desc") reject("order", order, "\"asc\" or \"desc\"");
  if (order == "desc") std::reverse(ordered.begin(), ordered.end());
  auto first = ordered.begin();
  if (call.request.has_param("after")) {
    const std::string after = call.request.get_param_value("after");
    first = std::find_if(ordered.begin(), ordered.end(), [&](const Json& item) { return item["id"] == after; });
    if (first == ordered.end()) reject("after", after, "the id of an item");
    ++first;
  }
  const size_t num_left = static_cast<size_t>(ordered.end() - first);
  const size_t num_shown = std::min(page_size(call), num_left);
  const Json data(std::vector<Json>(first, first + static_cast<ptrdiff_t>(num_shown)));
  answer_json(call.response, to_text({{"object", "list"},
                                      {"data", data},
                                      {"first_id", data.empty() ? Json() : data.front()["id"]},
                                      {"last_id", data.empty() ? Json() : data.back()["id"]},
                                      {"has_more", num_shown < num_left}}));
}

void cancel(RouteCall& call, const ServerState& state) {
  const auto response = state.responses.get(call.path_values[0]);
  if (!response->in_progress) {
    throw Error(ErrorCode::kInvalidRequest, "the response has ended already; allowed: one that is in progress", "response_id");
  }
  state.open_requests.abort(response->model_uid, response->request_id);
  StoredResponse cancelled = *response;
  Json object = Json::parse(cancelled.json);
  object["status"] = "cancelled";
  cancelled.json = to_text(object);
  cancelled.in_progress = false;
  answer_json(call.response, cancelled.json);
  state.responses.finish(std::move(cancelled));
}

}  // namespace

Routes response_routes(const ServerState& state) {
  return {{"POST", "/v1/responses", [&state](RouteCall& call) { create(call, state); }},
          {"POST", "/v1/responses/input_tokens", [&state](RouteCall& call) { count_tokens(call, state); }},
          {"POST", "/v1/responses/{response_id}/cancel", [&state](RouteCall& call) { cancel(call, state); }},
          {"GET", "/v1/responses/{response_id}/input_items", [&state](RouteCall& call) { list_input(call, state); }},
          {"GET", "/v1/responses/{response_id}", [&state](RouteCall& call) { show(call, state); }},
          {"DELETE", "/v1/responses/{response_id}", [&state](RouteCall& call) { erase(call, state); }}};
}

}  // namespace spyhop
