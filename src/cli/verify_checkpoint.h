// Is a checkpoint's folder complete and consistent?
#pragma once

#include <string>

namespace spyhop {

/// Checks the folder `dir` without running the model: configuration, weight files, every tensor against the configuration,
/// tokenizer, special ids, vocabulary. Prints a table of the checks with what was found, and below each failed one all its
/// problems; a check that needs the result of a failed one is skipped and says so. Returns the exit status: 0 only when all
/// hold. Never throws for a bad checkpoint.
int verify_checkpoint(const std::string& dir);

}  // namespace spyhop
