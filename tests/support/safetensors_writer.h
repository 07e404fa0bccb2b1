// Safetensors files for tests, well formed or not.
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace spyhop::testing {

struct WrittenTensor {
  std::string name;
  std::string dtype;  // "BF16"
  std::vector<int64_t> shape;
  std::string bytes;
};

/// A file's bytes from a header's text and data; `header` need not be true.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((uint64_t{header.size()} >> (8 * i)) & 0xFF));
  return bytes + header + data;
}

/// A well-formed file. Its data begins at `8 + header`, padded to a multiple of 8, plus `misalign` spaces.
inline std::string safetensors_bytes(const std::vector<WrittenTensor>& tensors, size_t misalign = 0) {
  nlohmann::ordered_json header;
  header["__metadata__"]["format"] = "pt";
  std::string data;
  for (const WrittenTensor& tensor : tensors) {
    header[tensor.name]["dtype"] = tensor.dtype;
    header[tensor.name]["shape"] = tensor.shape;
    header[tensor.name]["data_offsets"] = {data.size(), data.size() + tensor.bytes.size()};
    data += tensor.bytes;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8 + misalign, ' ');
  return safetensors_bytes(text, data);
}

inline void write_safetensors(const std::string& path, const std::vector<WrittenTensor>& tensors, size_t misalign = 0) {
  std::ofstream(path, std::ios::binary) << safetensors_bytes(tensors, misalign);
}

}  // namespace spyhop::testing
