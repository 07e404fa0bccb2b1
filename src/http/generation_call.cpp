#include "http/generation_call.h"

#include <ctime>

#include "http/request_id.h"

namespace spyhop {

ChatRequestLimits request_limits(const ServerState& state, const ModelInfo& model) {
  ChatRequestLimits limits;
  limits.max_messages = state.config.max_messages;
  limits.sampling = model.sampling;
  return limits;
}

CompletionHead begin_request(ChatRequest& request, const std::string& prefix, const ModelInfo& model, Exchange& exchange) {
  CompletionHead head{"", std::time(nullptr), model.id, model.fingerprint};
  request.model = model.id;
  if (request.request_id.empty()) {
    request.request_id = exchange.request_id;
    head.id = make_id(prefix);
  } else {
    exchange.request_id = request.request_id;
    head.id = prefix + request.request_id;
  }
  return head;
}

}  // namespace spyhop
