// Recorded cases of the reduced tokenizers in tests/golden/tokenizer.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/gzip.h"
#include "golden_data.h"
#include "prompt/tokenizer.h"

namespace spyhop {

inline std::string tokenizer_path(const std::string& name) {
  return std::string(SPYHOP_TEST_DATA) + "/tokenizer/" + name;
}

/// The lines of a case file, such as "tiny_v3/encode".
inline std::vector<nlohmann::json> conformance_cases(const std::string& name) {
  const std::string text = gunzip(golden_file("tokenizer/" + name + ".jsonl.gz"), size_t{64} << 20, name);
  std::vector<nlohmann::json> cases;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    cases.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return cases;
}

}  // namespace spyhop
