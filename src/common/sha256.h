// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spyhop {

/// Digest of data that comes in pieces.
class Sha256 {
 public:
  Sha256& update(const void* data, size_t size);
  Sha256& update(std::string_view bytes) { return update(bytes.data(), bytes.size()); }

  /// The digest in lower-case hexadecimal, 64 characters. Nothing may be added after it.
  std::string hex();

 private:
  void compress(const uint8_t* block);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};  // the unfinished block
  size_t num_pending_ = 0;
  uint64_t num_bytes_ = 0;
};

/// Digest of `bytes` in lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

}  // namespace spyhop
