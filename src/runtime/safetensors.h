// Safetensors files, mapped into memory and checked before anything in them is believed.
// Source: the format's description, https://github.com/huggingface/safetensors (u64 length, JSON header, data).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/problem_list.h"

namespace spyhop {

enum class StoredType { kBool, kU8, kI8, kF8E4M3, kF8E5M2, kI16, kU16, kF16, kBF16, kI32, kU32, kF32, kI64, kU64, kF64 };

/// As spelled in the files: "BF16".
std::string_view stored_type_name(StoredType type);
/// Size of one element.
size_t stored_type_bytes(StoredType type);

/// One tensor of a file: a row-major view, valid while the file's bytes live. Nothing is said about alignment.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::kU8;
  std::vector<int64_t> shape;  // empty for a scalar
  const uint8_t* data = nullptr;
  size_t num_bytes = 0;

  int64_t num_elements() const;
};

/// "[2, 3]".
std::string shape_text(const std::vector<int64_t>& shape);

/// A whole file. Copies share the bytes. Thread safety: immutable.
class SafetensorsFile {
 public:
  /// Maps the regular file `path` (symbolic links are followed) for reading. Its size is taken once: a file that is cut
  /// short later, while it is in use, ends the process with SIGBUS, so replace checkpoints by renaming.
  /// Throws Error{kModelLoad} naming the file, the tensor and the value: header longer than the file or than 100 MB, not JSON,
  /// not an object, a name twice, unknown dtype, bad shape, offsets reversed or out of range, a size unlike shape and dtype,
  /// tensors that overlap, bytes that belong to none.
  static SafetensorsFile open(const std::string& path);

  /// The same from bytes in memory; `name` stands for the path in messages.
  static SafetensorsFile parse(std::vector<uint8_t> bytes, const std::string& name);

  const std::string& path() const { return path_; }
  /// In the order of their data.
  const std::vector<StoredTensor>& tensors() const& { return tensors_; }
  const std::vector<StoredTensor>& tensors() && = delete;
  /// Null when there is none of that name.
  const StoredTensor* find(const std::string& name) const;
  /// Throws Error{kModelLoad} naming file and tensor.
  const StoredTensor& at(const std::string& name) const;

  /// Keeps the bytes in memory while it lives.
  std::shared_ptr<const void> storage() const { return bytes_; }

 private:
  SafetensorsFile(std::shared_ptr<const uint8_t> bytes, size_t num_bytes, std::string path);

  std::string path_;
  std::shared_ptr<const uint8_t> bytes_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;  // name -> position in tensors_
};

/// All tensors of a checkpoint's folder. Thread safety: immutable.
class SafetensorsFolder {
 public:
  struct Located {
    const SafetensorsFile* file = nullptr;
    const StoredTensor* tensor = nullptr;
  };

  /// Opens `dir`/model.safetensors or, when that is missing, the shards that `dir`/model.safetensors.index.json names.
  /// Throws Error{kModelLoad}, all problems together: bad files, an index that is no map of names to plain file names in the
  /// same folder, missing shards, tensors that a shard lacks or has besides the index, a tensor in two shards.
  static SafetensorsFolder open(const std::string& dir);

  const std::vector<SafetensorsFile>& files() const& { return files_; }
  const std::vector<SafetensorsFile>& files() && = delete;
  size_t num_tensors() const;
  /// Nulls when there is none of that name.
  Located find(const std::string& name) const;

 private:
  std::vector<SafetensorsFile> files_;
};

}  // namespace spyhop
