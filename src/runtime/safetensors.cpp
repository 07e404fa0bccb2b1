#include "runtime/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/json_fields.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxDimensions = 8;

struct TypeFacts {
  StoredType type;
  std::string_view name;
  size_t bytes;
};

constexpr std::array<TypeFacts, 15> kTypes{{{StoredType::kBool, "BOOL", 1},
                                            {StoredType::kU8, "U8", 1},
                                            {StoredType::kI8, "I8", 1},
                                            {StoredType::kF8E4M3, "F8_E4M3", 1},
                                            {StoredType::kF8E5M2, "F8_E5M2", 1},
                                            {StoredType::kI16, "I16", 2},
                                            {StoredType::kU16, "U16", 2},
                                            {StoredType::kF16, "F16", 2},
                                            {StoredType::kBF16, "BF16", 2},
                                            {StoredType::kI32, "I32", 4},
                                            {StoredType::kU32, "U32", 4},
                                            {StoredType::kF32, "F32", 4},
                                            {StoredType::kI64, "I64", 8},
                                            {StoredType::kU64, "U64", 8},
                                            {StoredType::kF64, "F64", 8}}};

const TypeFacts& facts(StoredType type) {
  return kTypes[static_cast<size_t>(type)];
}

std::optional<StoredType> find_type(std::string_view name) {
  for (const TypeFacts& entry : kTypes) {
    if (entry.name == name) return entry.type;
  }
  return std::nullopt;
}

std::string type_names() {
  std::string names;
  for (const TypeFacts& entry : kTypes) names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

struct Mapping {
  std::shared_ptr<const uint8_t> bytes;
  size_t num_bytes = 0;
};

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  throw Error(ErrorCode::kModelLoad, path + ": " + problem);
}

struct FileDescriptor {
  int fd;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Mapping map_file(const std::string& path) {
  // Without O_NONBLOCK a pipe of that name would block for ever.
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) fail(path, errno == ENOENT ? "no such file" : std::string("cannot be opened: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) fail(path, std::string("cannot be examined: ") + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) fail(path, "a folder; allowed: a file");
  if (!S_ISREG(status.st_mode)) fail(path, "no regular file");
  const size_t size = static_cast<size_t>(status.st_size);
  if (size == 0) return {std::shared_ptr<const uint8_t>(), 0};
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (start == MAP_FAILED) fail(path, std::string("cannot be mapped: ") + std::strerror(errno));
  return {std::shared_ptr<const uint8_t>(static_cast<const uint8_t*>(start),
                                         [start, size](const uint8_t*) { ::munmap(start, size); }),
          size};
}

uint64_t read_u64_le(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

std::string_view header_of(const uint8_t* bytes, size_t num_bytes, const std::string& path) {
  if (num_bytes < kLengthBytes) {
    fail(path, std::to_string(num_bytes) + " bytes; allowed: at least the 8 bytes of the header's length");
  }
  const uint64_t length = read_u64_le(bytes);
  if (length > kMaxHeaderBytes) {
    fail(path, "header length = " + std::to_string(length) + "; allowed: at most " + std::to_string(kMaxHeaderBytes));
  }
  if (length > num_bytes - kLengthBytes) {
    fail(path, "header length = " + std::to_string(length) + "; allowed: at most the " +
                   std::to_string(num_bytes - kLengthBytes) + " bytes that follow");
  }
  const std::string_view header(reinterpret_cast<const char*>(bytes) + kLengthBytes, static_cast<size_t>(length));
  if (header.empty() || header.front() != '{') fail(path, "header does not begin with '{'");
  return header;
}

/// Reads the header's entries; problems are gathered over all of them.
class HeaderReader {
 public:
  HeaderReader(const std::string& path, const uint8_t* data, size_t num_data_bytes)
      : path_(path), data_(data), num_data_bytes_(num_data_bytes) {}

  std::vector<StoredTensor> read(const json& header) {
    std::vector<StoredTensor> tensors;
    for (const auto& entry : header.items()) {
      if (entry.key() == "__metadata__") {
        check_metadata(entry.value());
      } else if (std::optional<StoredTensor> tensor = read_tensor(entry.key(), entry.value())) {
        tensors.push_back(*std::move(tensor));
      }
    }
    std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
      return a.data != b.data ? a.data < b.data : a.num_bytes < b.num_bytes;
    });
    // Coverage means something only when every tensor is known.
    if (problems_.empty()) check_coverage(tensors);
    problems_.throw_if_any(ErrorCode::kModelLoad, path_);
    return tensors;
  }

 private:
  void check_metadata(const json& metadata) {
    const std::string allowed = "; allowed: an object of strings";
    if (!metadata.is_object()) return problems_.add("__metadata__ = " + describe_json(metadata) + allowed);
    for (const auto& entry : metadata.items()) {
      if (entry.value().is_string()) continue;
      problems_.add("__metadata__: " + in_quotes(entry.key()) + " = " + describe_json(entry.value()) + allowed);
    }
  }

  std::optional<StoredTensor> read_tensor(const std::string& name, const json& entry) {
    const std::string who = "tensor " + in_quotes(name);
    if (!entry.is_object()) return refuse(who + " = " + describe_json(entry) + "; allowed: an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!entry.contains(key)) return refuse(who + ": " + key + " is missing");
    }
    StoredTensor tensor;
    tensor.name = name;
    const json& type = entry["dtype"];
    const std::optional<StoredType> known = type.is_string() ? find_type(type.get_ref<const std::string&>()) : std::nullopt;
    if (!known) return refuse(who + ": dtype = " + describe_json(type) + "; allowed: " + type_names());
    tensor.type = *known;
    if (!read_shape(who, entry["shape"], tensor) || !read_offsets(who, entry["data_offsets"], tensor)) return std::nullopt;
    return tensor;
  }

  /// Sets shape and num_bytes.
  bool read_shape(const std::string& who, const json& shape, StoredTensor& tensor) {
    if (!shape.is_array() || shape.size() > kMaxDimensions) {
      problems_.add(who + ": shape = " + describe_json(shape) + "; allowed: an array of at most " +
                    std::to_string(kMaxDimensions) + " sizes");
      return false;
    }
    uint64_t bytes = stored_type_bytes(tensor.type);
    bool overflow = false;
    for (const json& size : shape) {
      if (!size.is_number_unsigned() || size.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
        problems_.add(who + ": shape has " + describe_json(size) + "; allowed: whole numbers from 0");
        return false;
      }
      overflow = __builtin_mul_overflow(bytes, size.get<uint64_t>(), &bytes) || overflow;
      tensor.shape.push_back(size.get<int64_t>());
    }
    if (overflow || bytes > num_data_bytes_) {
      problems_.add(who + ": shape " + shape_text(tensor.shape) + " of " + std::string(stored_type_name(tensor.type)) +
                    (overflow ? " overflows" : " needs " + std::to_string(bytes) + " bytes") + "; the file has " +
                    std::to_string(num_data_bytes_) + " bytes of data");
      return false;
    }
    tensor.num_bytes = static_cast<size_t>(bytes);
    return true;
  }

  /// Sets data.
  bool read_offsets(const std::string& who, const json& offsets, StoredTensor& tensor) {
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
      problems_.add(who + ": data_offsets = " + describe_json(offsets) + "; allowed: two whole numbers from 0");
      return false;
    }
    const uint64_t begin = offsets[0].get<uint64_t>();
    const uint64_t end = offsets[1].get<uint64_t>();
    const std::string shown = who + ": data_offsets = [" + std::to_string(begin) + ", " + std::to_string(end) + "]";
    if (begin > end) {
      problems_.add(shown + "; allowed: begin at most end");
    } else if (end > num_data_bytes_) {
      problems_.add(shown + "; allowed: end at most " + std::to_string(num_data_bytes_) + ", the file's bytes of data");
    } else if (end - begin != tensor.num_bytes) {
      problems_.add(shown + ", " + std::to_string(end - begin) + " bytes; shape " + shape_text(tensor.shape) + " of " +
                    std::string(stored_type_name(tensor.type)) + " needs " + std::to_string(tensor.num_bytes));
    } else {
      tensor.data = data_ + begin;
      return true;
    }
    return false;
  }

  void check_coverage(const std::vector<StoredTensor>& tensors) {
    const StoredTensor* previous = nullptr;
    size_t covered = 0;
    for (const StoredTensor& tensor : tensors) {
      const size_t begin = static_cast<size_t>(tensor.data - data_);
      if (begin < covered)
        problems_.add("tensors " + in_quotes(previous->name) + " and " + in_quotes(tensor.name) + " overlap");
      if (begin > covered) {
        problems_.add(std::to_string(begin - covered) + " bytes before tensor " + in_quotes(tensor.name) +
                      " belong to no tensor");
      }
      covered = std::max(covered, begin + tensor.num_bytes);
      previous = &tensor;
    }
    if (covered < num_data_bytes_) {
      problems_.add(std::to_string(num_data_bytes_ - covered) + " bytes after the last tensor belong to no tensor");
    }
  }

  std::nullopt_t refuse(std::string problem) {
    problems_.add(std::move(problem));
    return std::nullopt;
  }

  const std::string& path_;
  const uint8_t* data_;
  size_t num_data_bytes_;
  ProblemList problems_;
};

}  // namespace

std::string_view stored_type_name(StoredType type) {
  return facts(type).name;
}

size_t stored_type_bytes(StoredType type) {
  return facts(type).bytes;
}

int64_t StoredTensor::num_elements() const {
  return static_cast<int64_t>(num_bytes / stored_type_bytes(type));
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() == 1 ? "" : ", ") + std::to_string(size);
  return text + "]";
}

SafetensorsFile::SafetensorsFile(std::shared_ptr<const uint8_t> bytes, size_t num_bytes, std::string path)
    : path_(std::move(path)), bytes_(std::move(bytes)) {
  const std::string_view header = header_of(bytes_.get(), num_bytes, path_);
  const size_t data_begin = kLengthBytes + header.size();
  JsonDocumentLimits limits;
  limits.max_depth = 8;
  const json parsed = parse_json(header, path_ + ": header", ErrorCode::kModelLoad, limits);
  tensors_ = HeaderReader(path_, bytes_.get() + data_begin, num_bytes - data_begin).read(parsed);
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
}

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  Mapping mapping = map_file(path);
  return {std::move(mapping.bytes), mapping.num_bytes, path};
}

SafetensorsFile SafetensorsFile::parse(std::vector<uint8_t> bytes, const std::string& name) {
  const auto owner = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  return {std::shared_ptr<const uint8_t>(owner, owner->data()), owner->size(), name};
}

const StoredTensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const StoredTensor& SafetensorsFile::at(const std::string& name) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr) fail(path_, "tensor " + in_quotes(name) + " is missing");
  return *tensor;
}

}  // namespace spyhop
