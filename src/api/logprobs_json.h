// Log-probabilities as chat completions and responses show them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// At most 0, and at least -9999, since JSON has no infinities.
double shown_logprob(double logprob);

/// [{token, logprob, bytes, top_logprobs: [{token, logprob, bytes}]}].
nlohmann::ordered_json token_logprobs_json(const std::vector<TokenLogprob>& tokens);

/// {content: the same, refusal: null}.
nlohmann::ordered_json logprobs_json(const std::vector<TokenLogprob>& tokens);

}  // namespace spyhop
