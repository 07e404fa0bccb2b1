// How many tokens a server makes of words.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "bench/chat_client.h"
#include "bench/workload.h"

namespace spyhop {

/// Asks the server for one token twice, after a short and a longer prompt of random words, and compares its counts of their
/// tokens. Nothing where it counts none. Throws Error{kUnavailable} when it refuses to answer.
std::optional<WordCost> measure_word_cost(ChatClient& client, const WorkloadOptions& options,
                                          const std::function<bool()>& should_stop);

}  // namespace spyhop
