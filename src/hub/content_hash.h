// What a hub says a file's content hashes to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace spyhop {

struct ContentDigest {
  enum class Kind {
    kNone,     // the hub says nothing
    kSha256,   // of the content
    kGitBlob,  // SHA-1 of git's header for a blob, and the content
  };
  Kind kind = Kind::kNone;
  std::string hex;  // lower case
};

/// Computes a digest of one kind over content that comes in pieces.
class ContentHash {
 public:
  /// `size` in bytes: git's header names it.
  ContentHash(ContentDigest::Kind kind, int64_t size);

  void update(const void* data, size_t size);
  /// Lower case; empty for Kind::kNone. Nothing may be added after it.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Digest of the file `path`. Throws Error{kModelLoad} when it cannot be read.
std::string file_digest(const std::string& path, ContentDigest::Kind kind);

}  // namespace spyhop
