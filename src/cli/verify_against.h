// `spyhop verify --against`: does one model predict what another predicts, such as a quantized one and its original.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/divergence.h"
#include "spyhop/config.h"

namespace spyhop {

/// A checkpoint and how it is computed.
struct ModelVariantChoice {
  std::string dir;
  Quantization quantization = Quantization::kNone;
  ComputeType compute = ComputeType::kBf16;
};

struct AgainstOptions {
  std::string model_path;  // folder of the checkpoint
  std::string against;     // "none", "int8", "int4", "bf16" or "f32": the same checkpoint so; else another one's folder
  Quantization quantization = Quantization::kNone;
  ComputeType compute = ComputeType::kBf16;
  std::string prompts_path;                 // a question in each line; empty = built-in ones
  int answer_tokens = 32;                   // of each of the reference's answers; 0 = only the questions are compared
  int num_threads = 0;                      // 0 = physical cores
  int64_t logits_bytes = int64_t{2} << 30;  // of the reference's logits that are kept; positions are skipped to stay within
  std::optional<double> max_kl;             // of the mean over all positions
  std::optional<double> min_agreement;      // share of equal greedy tokens, 0 .. 1
  std::string json_path;                    // report for programs; empty = none
};

struct DivergenceGroup {
  std::string name;
  DivergenceSummary summary;
};

struct AgainstReport {
  std::string model;
  std::string reference;
  size_t num_prompts = 0;
  size_t num_positions = 0;             // of all prompts and answers; the first group tells how many were compared
  std::vector<DivergenceGroup> groups;  // "all" first; those without positions are left out
  std::vector<std::string> violations;  // of the limits; empty = they hold

  bool holds() const { return violations.empty(); }
};

/// What `against` stands for. Throws Error{kInvalidRequest} when it is neither a precision nor a folder.
ModelVariantChoice reference_of(const AgainstOptions& options);

/// Loads one model after the other, so that no more than one and the kept logits are in memory. Throws Error for a checkpoint
/// that cannot be loaded, prompts that do not fit the context, and checkpoints of different vocabularies.
AgainstReport compare_models(const AgainstOptions& options);

/// The same as a command: prints the report, writes the JSON file, and returns the exit status: 0 only if the limits hold.
int verify_against(const AgainstOptions& options);

std::string report_text(const AgainstReport& report);
nlohmann::json to_json(const AgainstReport& report);

/// The built-in questions: deterministic, of several languages and kinds.
std::vector<std::string> comparison_prompts();

}  // namespace spyhop
