// Texts to measure tokenizers with.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace spyhop {

struct BenchText {
  std::string name;
  std::string text;
};

/// English prose, program code, Chinese prose and a mixture of scripts, at least `num_bytes` each. Drawn from built-in words
/// with a fixed seed, so the same on every machine; with numbers, names and invented words that no vocabulary holds.
std::vector<BenchText> bench_texts(size_t num_bytes);

/// Texts that are quadratic for careless pre-tokenizers or merging.
std::vector<BenchText> hostile_bench_texts();

}  // namespace spyhop
