// What options of several commands have in common.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <map>
#include <string>
#include <vector>

#include "spyhop/config.h"

namespace spyhop {

/// Adds the environment variable that sets the same value: --max-queue is SPYHOP_MAX_QUEUE.
CLI::Option* with_env(CLI::Option* option);

/// Takes one of `names`, whatever its case; others are refused with the nearest. `what` names the thing: "model engine".
CLI::Validator one_of(const std::vector<std::string>& names, const std::string& what);

/// Takes sizes such as 4GiB, of at least one byte.
CLI::Validator byte_size();

/// What --quantization takes.
const std::map<std::string, Quantization>& quantization_values();

}  // namespace spyhop
