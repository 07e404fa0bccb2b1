#include "hub/content_hash.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

void check(int result) {
  if (result != 1) throw Error(ErrorCode::kInternal, "OpenSSL cannot compute a digest");
}

}  // namespace

void ContentHash::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

ContentHash::ContentHash(ContentDigest::Kind kind, int64_t size) {
  if (kind == ContentDigest::Kind::kNone) return;
  context_.reset(EVP_MD_CTX_new());
  check(context_ != nullptr ? 1 : 0);
  check(EVP_DigestInit_ex(context_.get(), kind == ContentDigest::Kind::kSha256 ? EVP_sha256() : EVP_sha1(), nullptr));
  if (kind == ContentDigest::Kind::kGitBlob) {
    const std::string header = "blob " + std::to_string(size);
    update(header.c_str(), header.size() + 1);  // with its terminating zero
  }
}

void ContentHash::update(const void* data, size_t size) {
  if (context_) check(EVP_DigestUpdate(context_.get(), data, size));
}

std::string ContentHash::hex() {
  if (!context_) return "";
  constexpr std::string_view kDigits = "0123456789abcdef";
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context_.get(), bytes, &size));
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += {kDigits[bytes[i] >> 4], kDigits[bytes[i] & 15]};
  return text;
}

std::string file_digest(const std::string& path, ContentDigest::Kind kind) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw Error(ErrorCode::kModelLoad, path + ": cannot be opened: " + std::strerror(errno));
  const auto size = static_cast<int64_t>(in.tellg());
  in.seekg(0);
  ContentHash hash(kind, size);
  std::vector<char> buffer(kReadBytes);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.update(buffer.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.eof()) throw Error(ErrorCode::kModelLoad, path + ": cannot be read: " + std::strerror(errno));
  return hash.hex();
}

}  // namespace spyhop
