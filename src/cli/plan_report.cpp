#include "cli/plan_report.h"

#include <spdlog/fmt/fmt.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/byte_size.h"
#include "runtime/quantization.h"

namespace spyhop {
namespace {

using nlohmann::json;

const char* compute_name(ComputeType compute) {
  return compute == ComputeType::kF32 ? "f32" : "bf16";
}

struct Part {
  const char* key;   // in JSON
  std::string text;  // in the table
  int64_t num_bytes;
};

/// What there is beside weights and KV cache.
std::vector<Part> other_parts(const PlanReport& report) {
  const MemoryPlan& plan = report.plan;
  const EngineConfig& config = report.config;
  return {
      {"language_activations", fmt::format("activations of a step of {} tokens", config.prefill_chunk),
       plan.language_activations},
      {"logits", fmt::format("logits of {} answers", config.max_num_seqs), plan.logits},
      {"vision_activations", "vision tower, a tile", plan.vision_activations},
      {"image_decoding", "decoding the largest image allowed", plan.image_decoding},
      {"image_features", "image features of running answers", plan.image_features},
      {"vision_cache", "vision cache", plan.vision_cache},
      {"program", "program, tokenizer, connections", plan.program},
  };
}

std::string row(const std::string& name, const std::string& parameters, int64_t num_bytes, const std::string& note = "") {
  const std::string line = fmt::format("{:<44} {:>12} {:>12}", name, parameters, byte_size_text(num_bytes));
  return (note.empty() ? line : line + "  " + note) + "\n";
}

std::string millions(int64_t count) {
  return fmt::format("{:.1f} M", static_cast<double>(count) / 1e6);
}

std::string verdict(const PlanReport& report) {
  if (report.available == 0) return "how much memory this machine has is not known\n";
  std::string text = row("available", "", report.available, report.fits() ? "it fits" : "it does not fit");
  if (report.fits()) return text;
  if (report.settings.empty()) return text + "\nno setting makes it fit\n";
  text += "\nwhat would do:\n";
  for (const FittingSetting& setting : report.settings) {
    text += fmt::format("  {} needs {}\n", setting.flags, byte_size_text(setting.num_bytes));
  }
  return text;
}

}  // namespace

PlanReport make_plan_report(const std::string& name, const ModelConfig& model, const EngineConfig& config, int64_t available) {
  PlanReport report;
  report.model = name;
  report.config = config;
  report.plan = plan_memory(model, config, available);
  report.bytes_per_decoded_token =
      weight_bytes_per_step(model.language, report.plan.weights, model.language.num_experts_per_token);
  report.available = available;
  if (!report.fits()) report.settings = fitting_settings(model, config, available);
  return report;
}

std::string plan_text(const PlanReport& report) {
  const MemoryPlan& plan = report.plan;
  std::string text =
      fmt::format("{}: {} arithmetic, quantization {}, context {}, {} answers at a time\n\n", report.model,
                  compute_name(report.config.runtime.compute), quantization_name(report.config.runtime.quantization),
                  plan.max_context, report.config.max_num_seqs);
  text += fmt::format("{:<44} {:>12} {:>12}\n", "part", "parameters", "memory");
  text += row("weights", millions(plan.weights.num_parameters()), plan.weights.num_bytes());
  for (const WeightPart& part : plan.weights.parts) {
    text += row(std::string("  ") + weight_kind_name(part.kind), millions(part.num_parameters), part.num_bytes);
  }
  text += row(fmt::format("KV cache of {} tokens", plan.kv_tokens), "", plan.kv_cache,
              fmt::format("{} a token, {} a context", byte_size_text(plan.kv_bytes_per_token),
                          byte_size_text(plan.kv_bytes_per_context())));
  for (const Part& part : other_parts(report)) text += row(part.text, "", part.num_bytes);
  text += row("total", "", plan.total());
  text += row("  of it while loading, beside the weights", "", plan.loading);
  return text + verdict(report);
}

json to_json(const PlanReport& report) {
  const MemoryPlan& plan = report.plan;
  json kinds = json::array();
  for (const WeightPart& part : plan.weights.parts) {
    kinds.push_back({{"kind", weight_kind_name(part.kind)}, {"parameters", part.num_parameters}, {"bytes", part.num_bytes}});
  }
  json result = {
      {"model", report.model},
      {"compute", compute_name(report.config.runtime.compute)},
      {"quantization", quantization_name(report.config.runtime.quantization)},
      {"context", plan.max_context},
      {"max_num_seqs", report.config.max_num_seqs},
      {"weights", {{"parameters", plan.weights.num_parameters()}, {"bytes", plan.weights.num_bytes()}, {"kinds", kinds}}},
      {"kv_cache",
       {{"bytes_per_token", plan.kv_bytes_per_token},
        {"bytes_per_context", plan.kv_bytes_per_context()},
        {"tokens", plan.kv_tokens},
        {"bytes", plan.kv_cache}}},
      {"loading_bytes", plan.loading},
      {"total_bytes", plan.total()},
      {"available_bytes", report.available},
      {"fits", report.fits()},
      {"weight_bytes_per_decoded_token", report.bytes_per_decoded_token},
      {"settings_that_fit", json::array()},
  };
  for (const Part& part : other_parts(report)) result[part.key] = {{"bytes", part.num_bytes}};
  for (const FittingSetting& setting : report.settings) {
    result["settings_that_fit"].push_back({{"flags", setting.flags}, {"bytes", setting.num_bytes}});
  }
  return result;
}

}  // namespace spyhop
