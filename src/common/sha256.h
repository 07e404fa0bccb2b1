// SHA-256, by OpenSSL.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace spyhop {

/// Digest of data that comes in pieces.
class Sha256 {
 public:
  Sha256();

  Sha256& update(const void* data, size_t size);
  Sha256& update(std::string_view bytes) { return update(bytes.data(), bytes.size()); }

  /// The digest's 32 bytes. Nothing may be added after it.
  std::string digest();

  /// The digest in lower-case hexadecimal, 64 characters. Nothing may be added after it.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Digest of `bytes`: 32 bytes.
std::string sha256(std::string_view bytes);

/// Digest of `bytes` in lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

}  // namespace spyhop
