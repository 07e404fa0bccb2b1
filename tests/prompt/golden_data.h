// Reading the fixtures of tests/golden.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

#include "common/sha256.h"
#include "prompt/image.h"

namespace spyhop {

/// The bytes of a file below tests/golden.
inline std::string golden_file(const std::string& path) {
  std::ifstream file(std::string(SPYHOP_TEST_DATA) + "/" + path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture " + path);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

inline nlohmann::json golden_json(const std::string& path) {
  return nlohmann::json::parse(golden_file(path));
}

/// Tile geometry and candidate resolutions of a golden checkpoint.
inline ProcessorConfig golden_processor(const std::string& family, int image_size) {
  const nlohmann::json json = golden_json(family + "/checkpoint/processor_config.json");
  ProcessorConfig processor;
  processor.image_size = image_size;
  processor.patch_size = json.at("patch_size").get<int>();
  processor.downsample_ratio = json.at("downsample_ratio").get<int>();
  for (const auto& pair : json.at("candidate_resolutions")) {
    processor.candidate_resolutions.push_back({pair.at(0).get<int>(), pair.at(1).get<int>()});
  }
  return processor;
}

inline std::string pixel_digest(const RgbImage& image) {
  return sha256_hex({reinterpret_cast<const char*>(image.pixels.data()), image.pixels.size()});
}

}  // namespace spyhop
