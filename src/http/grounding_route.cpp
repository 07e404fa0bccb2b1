#include "http/grounding_route.h"

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/grounding_answer.h"
#include "api/grounding_call_json.h"
#include "http/answer_reader.h"
#include "http/answers.h"
#include "http/generation_call.h"

namespace spyhop {
namespace {

constexpr const char* kPng = "image/png";

/// Whether the Accept header has PNG, and JSON not before it.
bool wants_png(const httplib::Request& request) {
  std::string accept = request.get_header_value("Accept");
  std::transform(accept.begin(), accept.end(), accept.begin(), [](unsigned char c) { return std::tolower(c); });
  return accept.find(kPng) < accept.find("application/json");  // npos is the largest
}

/// A phrase on its way.
class PhraseRun {
 public:
  PhraseRun(std::string phrase, AnswerReader reader)
      : reader_(std::move(reader)), answer_(std::move(phrase), reader_.images().front()) {}

  /// Reads until a token is there: what the prompt begins with can then be shared.
  void wait_for_first() {
    while (!is_begun_) read_one();
  }

  PhraseAnswer finish() {
    while (!is_over_) read_one();
    return std::move(answer_);
  }

 private:
  void read_one() {
    const std::optional<ChatEvent> event = reader_.next();
    if (!event) return;
    answer_.add(*event);
    is_begun_ = true;
    is_over_ = std::holds_alternative<StreamEnd>(*event);
  }

  AnswerReader reader_;
  PhraseAnswer answer_;
  bool is_begun_ = false;
  bool is_over_ = false;
};

/// `error`, of the message that the image stands in, as one of the field that it came from.
Error about_image(const Error& error) {
  const std::string built = "messages[0].content[0].image_url";
  std::string message = error.what();
  const size_t at = message.find(built);
  if (error.param() != built || at == std::string::npos) return error;
  return {error.code(), message.replace(at, built.size(), "image"), "image"};
}

/// All answers, generated at the same time once the first prompt, which the others begin like, is in the cache.
std::vector<PhraseAnswer> locate_all(GroundingCall call, const std::shared_ptr<Engine>& engine, const Connection& connection,
                                     const ServerState& state) {
  std::vector<PhraseRun> runs;
  for (size_t i = 0; i < call.requests.size(); ++i) {
    set_image(call.requests[i], call.image);
    try {
      runs.emplace_back(call.phrases[i], AnswerReader(engine, std::move(call.requests[i]), connection, state));
    } catch (const Error& error) {
      throw about_image(error);
    }
    if (i == 0) runs.front().wait_for_first();
  }
  std::vector<PhraseAnswer> answers;
  for (PhraseRun& run : runs) answers.push_back(run.finish());
  return answers;
}

std::vector<DrawnBox> drawn_boxes(const std::vector<PhraseAnswer>& answers) {
  std::vector<DrawnBox> drawn;
  for (size_t i = 0; i < answers.size(); ++i) {
    for (const GroundedBox& box : answers[i].boxes()) {
      if (box.valid())
        drawn.push_back({box.label.value_or(answers[i].phrase()), pixels_of(box, answers[i].image()), static_cast<int>(i)});
    }
  }
  return drawn;
}

void handle_grounding(RouteCall& call, const ServerState& state) {
  auto body = std::make_unique<RequestBody>(std::move(call.body), grounding_fields());
  const ServedModel model(state, body->model());
  GroundingCall parsed = parse_grounding_call(*body);
  body.reset();
  CompletionHead head;
  for (ChatRequest& request : parsed.requests) head = begin_request(request, "grounding-", model.info, call.exchange);
  parsed.image.bytes = state.pictures->fetch(parsed.image, "image");
  parsed.image.url.clear();
  const std::shared_ptr<const std::string> picture = parsed.image.bytes;
  const std::vector<PhraseAnswer> answers = locate_all(std::move(parsed), model.engine, call.exchange.connection, state);
  call.response.set_header("Vary", "Accept");
  if (!wants_png(call.request)) return answer_json(call.response, grounding_answer_json(head, answers));
  call.response.set_content(state.pictures->draw_boxes(*picture, drawn_boxes(answers)), kPng);
}

}  // namespace

Route grounding_route(const ServerState& state) {
  return {"POST", "/v1/grounding", [&state](RouteCall& call) { handle_grounding(call, state); }};
}

}  // namespace spyhop
