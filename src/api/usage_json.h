// The "usage" and "metrics" of an answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

/// As chat completions and completions have it, always with its details, among them what each of `images` takes.
nlohmann::ordered_json usage_json(const Usage& usage, const std::vector<ImageUse>& images = {});

/// The same while the answer is generated: three numbers.
nlohmann::ordered_json running_usage_json(const Usage& usage);

/// With the names of vLLM's per-request metrics.
nlohmann::ordered_json metrics_json(const Timings& timings, int num_tokens);

}  // namespace spyhop
