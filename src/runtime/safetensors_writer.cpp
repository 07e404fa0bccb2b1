#include "runtime/safetensors_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runtime/kernels/check.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kDataAlignment = 4096;
constexpr size_t kLengthBytes = 8;
constexpr size_t kWriteAtOnce = size_t{64} << 20;

std::string header_of(const std::vector<TensorToWrite>& tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"]["format"] = "pt";
  size_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const size_t end = offset + tensor.num_bytes();
    header[tensor.name] = {
        {"dtype", std::string(stored_type_name(tensor.type))}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  const size_t used = (kLengthBytes + text.size()) % kDataAlignment;
  if (used != 0) text.append(kDataAlignment - used, ' ');
  return text;
}

}  // namespace

size_t TensorToWrite::num_bytes() const {
  size_t bytes = stored_type_bytes(type);
  for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
  return bytes;
}

SafetensorsWriter::SafetensorsWriter(const std::string& path, const std::vector<TensorToWrite>& tensors)
    : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (file_ < 0) fail();
  const std::string header = header_of(tensors);
  std::string length;
  for (size_t i = 0; i < kLengthBytes; ++i) length.push_back(static_cast<char>((uint64_t{header.size()} >> (8 * i)) & 0xFF));
  num_expected_ = length.size() + header.size();
  for (const TensorToWrite& tensor : tensors) num_expected_ += tensor.num_bytes();
  write(length.data(), length.size());
  write(header.data(), header.size());
}

SafetensorsWriter::~SafetensorsWriter() {
  if (file_ >= 0) ::close(file_);
}

void SafetensorsWriter::fail() const {
  throw Error(ErrorCode::kModelLoad, path_ + ": cannot be written: " + std::strerror(errno));
}

void SafetensorsWriter::write(const void* data, size_t num_bytes) {
  require(num_bytes <= num_expected_, "more bytes than the header says");
  const char* next = static_cast<const char*>(data);
  num_expected_ -= num_bytes;
  while (num_bytes > 0) {
    const ssize_t written = ::write(file_, next, std::min(num_bytes, kWriteAtOnce));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail();
    next += written;
    num_bytes -= static_cast<size_t>(written);
  }
}

void SafetensorsWriter::finish() {
  require(num_expected_ == 0, "fewer bytes than the header says");
  if (::fsync(file_) != 0) fail();
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0) fail();
}

}  // namespace spyhop
