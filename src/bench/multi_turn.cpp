#include "bench/multi_turn.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace spyhop {
namespace {

using nlohmann::json;

constexpr uint64_t kFirstTurnStream = 0x3001;
constexpr uint64_t kSecondTurnStream = 0x3002;

/// The messages of a request's body.
json messages_of(const std::string& body) {
  return json::parse(body)["messages"];
}

}  // namespace

double MultiTurnChat::ttft_ratio() const {
  return first.ttft_seconds() > 0 ? second.ttft_seconds() / first.ttft_seconds() : 0;
}

MultiTurnResult measure_multi_turn(ChatClient& client, const WorkloadOptions& options, const WordCost& cost,
                                   const std::function<bool()>& should_stop) {
  MultiTurnResult result;
  WorkloadOptions second_options = options;
  second_options.images.num_images = 0;
  const Workload first_turns = make_random_workload(options, cost, kFirstTurnStream);
  const Workload second_turns = make_random_workload(second_options, cost, kSecondTurnStream);
  for (size_t i = 0; i < first_turns.size() && !should_stop(); ++i) {
    MultiTurnChat chat;
    chat.first = client.ask(first_turns[i], should_stop);
    if (!chat.first.fault) {
      json messages = messages_of(*first_turns[i]);
      messages.push_back({{"role", "assistant"}, {"content", chat.first.text}});
      for (json& message : messages_of(*second_turns[i])) messages.push_back(std::move(message));
      chat.second = client.ask(make_body(options.request, std::move(messages), options.text.output_tokens), should_stop);
    }
    const std::optional<AnswerFault>& fault = chat.first.fault ? chat.first.fault : chat.second.fault;
    if (fault && fault->kind == "cancelled") break;
    if (fault) {
      result.faults.push_back(*fault);
    } else {
      result.chats.push_back(std::move(chat));
    }
  }
  result.was_stopped = should_stop();
  return result;
}

}  // namespace spyhop
