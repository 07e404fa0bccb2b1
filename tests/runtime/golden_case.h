// One recorded case of the golden set.
#pragma once

#include <ATen/ATen.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/safetensors.h"

namespace spyhop::testing {

inline nlohmann::json golden_json(const std::string& path) {
  std::ifstream file(std::string(SPYHOP_TEST_DATA) + "/" + path);
  return nlohmann::json::parse(file);
}

inline std::string golden_checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

/// A safetensors file of recorded values. The fixtures keep integers in as few bytes as they need.
class GoldenTensors {
 public:
  explicit GoldenTensors(const std::string& path)
      : file_(SafetensorsFile::open(std::string(SPYHOP_TEST_DATA) + "/" + path + ".safetensors")) {}

  at::Tensor at(const std::string& name) const {
    const StoredTensor& stored = file_.at(name);
    const auto type = [&stored] {
      switch (stored.type) {
        case StoredType::kF32:
          return at::kFloat;
        case StoredType::kI16:
          return at::kShort;
        case StoredType::kI32:
          return at::kInt;
        default:
          return at::kByte;
      }
    }();
    return at::from_blob(const_cast<uint8_t*>(stored.data), stored.shape, at::TensorOptions().dtype(type)).clone();
  }

 private:
  SafetensorsFile file_;
};

}  // namespace spyhop::testing
