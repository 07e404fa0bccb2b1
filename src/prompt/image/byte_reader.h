// Bounds-checked reading of binary headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {

/// Reads numbers and blocks off the front of `bytes`, which must outlive it. Every read past the end throws
/// Error{kInvalidRequest}, whose message says that the `what` is truncated.
class ByteReader {
 public:
  ByteReader(std::string_view bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  void seek(size_t position) {
    if (position > bytes_.size()) fail();
    position_ = position;
  }
  void skip(size_t count) { take(count); }

  std::string_view take(size_t count) {
    if (count > remaining()) fail();
    const std::string_view block = bytes_.substr(position_, count);
    position_ += count;
    return block;
  }
  uint8_t u8() { return static_cast<uint8_t>(take(1)[0]); }
  uint16_t u16_le() { return static_cast<uint16_t>(little_endian(take(2))); }
  uint32_t u32_le() { return little_endian(take(4)); }
  uint32_t u32_be() { return big_endian(take(4)); }

 private:
  static uint32_t little_endian(std::string_view block) {
    uint32_t value = 0;
    for (size_t i = block.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(block[i]);
    return value;
  }
  static uint32_t big_endian(std::string_view block) {
    uint32_t value = 0;
    for (const char byte : block) value = value << 8 | static_cast<uint8_t>(byte);
    return value;
  }
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kInvalidRequest,
                "the " + what_ + " is truncated: it ends after " + std::to_string(bytes_.size()) + " bytes");
  }

  std::string_view bytes_;
  std::string what_;
  size_t position_ = 0;
};

}  // namespace spyhop
