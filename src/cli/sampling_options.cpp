#include "cli/sampling_options.h"

#include <CLI/CLI.hpp>

#include "cli/option_tools.h"
#include "registry/registry.h"

namespace spyhop {
namespace {

/// Of the family of that name, or else of the one whose checkpoints are all that can be served.
SamplingDefaults authors_defaults(const std::string& model_name) {
  const Registry registry = Registry::load();
  for (const ModelFamily& family : registry.families()) {
    if (family.name == model_name && family.generation) return *family.generation;
  }
  return Registry::shipped().family("deepseek-vl2").generation.value_or(SamplingDefaults());
}

}  // namespace

void declare_sampling_options(CLI::App& command, SamplingFlags& flags, const std::string& group) {
  with_env(command.add_option("--sampling-defaults", flags.defaults,
                              "Sampling where requests leave it open: model (as its authors recommend) or openai"))
      ->transform(one_of({"model", "openai"}, "choice of sampling defaults"))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--default-temperature", flags.temperature, "In place of their temperature"))
      ->check(CLI::Range(0.0, 2.0))
      ->group(group);
  with_env(command.add_option("--default-top-p", flags.top_p, "In place of their top_p"))
      ->check(CLI::Range(1e-6, 1.0))
      ->group(group);
  with_env(command.add_option("--default-top-k", flags.top_k, "In place of their top_k; 0 = off"))
      ->check(CLI::Range(0, 1 << 30))
      ->group(group);
  with_env(command.add_option("--default-min-p", flags.min_p, "In place of their min_p; 0 = off"))
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  with_env(command.add_option("--default-repetition-penalty", flags.repetition_penalty,
                              "In place of their repetition penalty; 1 = off"))
      ->check(CLI::Range(1e-6, 2.0))
      ->group(group);
}

SamplingDefaults resolve_sampling(const SamplingFlags& flags, const std::string& model_name) {
  SamplingDefaults sampling = flags.defaults == "model" ? authors_defaults(model_name) : SamplingDefaults();
  sampling.temperature = flags.temperature.value_or(sampling.temperature);
  sampling.top_p = flags.top_p.value_or(sampling.top_p);
  sampling.top_k = flags.top_k.value_or(sampling.top_k);
  sampling.min_p = flags.min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = flags.repetition_penalty.value_or(sampling.repetition_penalty);
  return sampling;
}

}  // namespace spyhop
