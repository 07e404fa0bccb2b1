// What options of several commands have in common.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// Adds the environment variable that sets the same value: --max-queue is SPYHOP_MAX_QUEUE.
CLI::Option* with_env(CLI::Option* option);

/// Takes one of `names`, whatever its case; others are refused with the nearest. `what` names the thing: "model engine".
CLI::Validator one_of(const std::vector<std::string>& names, const std::string& what);

}  // namespace spyhop
