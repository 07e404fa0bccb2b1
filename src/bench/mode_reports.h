// Reports of the modes of the benchmark, as JSON and as tables.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/interference.h"
#include "bench/load_metrics.h"
#include "bench/multi_turn.h"
#include "bench/process_memory.h"
#include "bench/solo_check.h"

namespace spyhop {

/// Number of prompts, rate, burstiness, concurrency and duration, by vLLM's key names.
nlohmann::ordered_json load_settings_json(const LoadOptions& options, size_t num_prompts);

nlohmann::ordered_json check_json(const SoloCheck& check);
std::string check_table(const SoloCheck& check);

nlohmann::ordered_json memory_json(const MemoryWatch& memory);
std::string memory_table(const MemoryWatch& memory);

struct SweepRun {
  size_t round = 0;
  size_t concurrency = 0;
  LoadMetrics metrics;
};

/// Output throughput of each concurrency over that of the first one in the same round, the median over all rounds.
/// In the order of the first round; concurrencies that no complete pair was measured of are left out.
struct SweepRatio {
  size_t concurrency = 0;
  double output_throughput = 0;  // median over the rounds
  double ratio = 0;
};
std::vector<SweepRatio> sweep_ratios(const std::vector<SweepRun>& runs);

nlohmann::ordered_json sweep_json(const std::vector<SweepRun>& runs);
std::string sweep_table(const std::vector<SweepRun>& runs, const std::vector<double>& percents);

nlohmann::ordered_json interference_json(const InterferenceResult& result, size_t num_streams, ImageSize size);
std::string interference_table(const InterferenceResult& result);

nlohmann::ordered_json multi_turn_json(const MultiTurnResult& result);
std::string multi_turn_table(const MultiTurnResult& result);

}  // namespace spyhop
