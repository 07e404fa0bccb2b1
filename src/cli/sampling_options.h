// How tokens are chosen where requests leave it open: flags, and what a model's authors recommend.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "spyhop/config.h"

namespace spyhop {

struct SamplingFlags {
  std::string defaults = "model";     // whose: "model", its authors', or "openai", which leave the distribution as it is
  std::optional<double> temperature;  // these replace single ones
  std::optional<double> top_p;
  std::optional<int> top_k;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
};

/// Declares --sampling-defaults and the flags of single values on `command`, in `group`; `flags` outlives it.
void declare_sampling_options(CLI::App& command, SamplingFlags& flags, const std::string& group);

/// What the flags come to for a model of the registry; `model_name` may be one that it does not know, such as the name of a
/// folder.
SamplingDefaults resolve_sampling(const SamplingFlags& flags, const std::string& model_name);

}  // namespace spyhop
