// Chats with an image and a follow-up question.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/chat_client.h"
#include "bench/workload.h"

namespace spyhop {

/// One chat: a question about images, then another with the first answer in the history.
struct MultiTurnChat {
  StreamedAnswer first;
  StreamedAnswer second;

  double ttft_ratio() const;  // of the second turn to the first
};

struct MultiTurnResult {
  std::vector<MultiTurnChat> chats;  // with both answers complete
  std::vector<AnswerFault> faults;
  bool was_stopped = false;
};

/// Holds `options.num_prompts` chats of two turns, one after the other, each with images of its own. Questions have
/// options.text.input_tokens tokens, answers options.text.output_tokens.
MultiTurnResult measure_multi_turn(ChatClient& client, const WorkloadOptions& options, const WordCost& cost,
                                   const std::function<bool()>& should_stop);

}  // namespace spyhop
