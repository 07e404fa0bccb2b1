// Runs a check once for each set of vector instructions that the machine has.
#pragma once

#include <gtest/gtest.h>

#include "runtime/kernels/instruction_set.h"

namespace spyhop::testing {

template <typename Check>
void for_every_instruction_set(const Check& check) {
  for (const kernels::InstructionSet set : kernels::available_instruction_sets()) {
    const std::string name = kernels::instruction_set_name(set);
    SCOPED_TRACE(name);
    kernels::force_instruction_set(name);
    check();
  }
  kernels::force_instruction_set("auto");
}

}  // namespace spyhop::testing
