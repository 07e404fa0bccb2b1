// A memory plan as text and as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "registry/model_config.h"
#include "runtime/memory_plan.h"
#include "spyhop/config.h"

namespace spyhop {

/// All that `spyhop plan` shows.
struct PlanReport {
  std::string model;    // "deepseek-vl2 27" or the checkpoint's folder
  EngineConfig config;  // as planned
  MemoryPlan plan;
  int64_t bytes_per_decoded_token = 0;   // weights read for each token of a single answer
  int64_t available = 0;                 // 0 = not known
  std::vector<FittingSetting> settings;  // that would do, where the plan does not fit

  bool fits() const { return available == 0 || plan.total() <= available; }
};

/// `config` with every setting resolved that decides about memory; `available` as for plan_memory.
PlanReport make_plan_report(const std::string& name, const ModelConfig& model, const EngineConfig& config, int64_t available);

/// A table, a line for each part.
std::string plan_text(const PlanReport& report);

nlohmann::json to_json(const PlanReport& report);

}  // namespace spyhop
