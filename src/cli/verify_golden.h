// `spyhop verify --golden`: a golden set's cases and tables, held against everything that computes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/verify_golden_report.h"
#include "spyhop/config.h"

namespace spyhop {

struct GoldenOptions {
  std::string set;                    // folder with manifest.json
  std::vector<std::string> families;  // empty = all
  std::vector<std::string> cases;     // names; empty = all, and the tables too
  ComputeType compute = ComputeType::kF32;
  int prefill_chunk = 512;                          // tokens of a prompt computed per step
  int num_threads = 0;                              // 0 = physical cores
  std::map<std::string, std::string> vocabularies;  // table "tokenizer_full_..." -> folder of that tokenizer
  std::string json_path;                            // report for programs; empty = none
};

/// Runs the set, printing a row as each case ends. Throws Error for a set that cannot be read or a name that is not in it;
/// what goes wrong inside a case or a table is that one's failure.
GoldenReport run_golden_set(const GoldenOptions& options);

/// The same as a command: prints the summary, writes the JSON file, and returns the exit status: 0 only if all holds.
int verify_golden(const GoldenOptions& options);

}  // namespace spyhop
