// A safetensors file written tensor by tensor, so that no more than one of them is in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/safetensors.h"

namespace spyhop {

struct TensorToWrite {
  std::string name;
  StoredType type = StoredType::kU8;
  std::vector<int64_t> shape;

  size_t num_bytes() const;
};

/// The data begins at a multiple of 4096 bytes, so a tensor after others whose sizes are multiples of 64 is aligned to 64.
/// Errors: Error{kModelLoad} naming the file and what the system says.
class SafetensorsWriter {
 public:
  /// Creates or replaces `path`, and writes the header for these tensors, whose data follow in this order.
  SafetensorsWriter(const std::string& path, const std::vector<TensorToWrite>& tensors);
  ~SafetensorsWriter();
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  /// Bytes of the next tensor, or a part of them.
  void write(const void* data, size_t num_bytes);

  /// Waits until the file is on the disk. Call once, after the last tensor; throws when bytes are missing.
  void finish();

 private:
  [[noreturn]] void fail() const;

  std::string path_;
  int file_ = -1;
  size_t num_expected_ = 0;  // bytes of data that are still to come
};

}  // namespace spyhop
