#include "common/sha256.h"

#include <openssl/evp.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

void check(int result) {
  if (result != 1) throw Error(ErrorCode::kInternal, "OpenSSL cannot compute SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  check(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1 ? 1 : 0);
}

Sha256& Sha256::update(const void* data, size_t size) {
  check(EVP_DigestUpdate(context_.get(), data, size));
  return *this;
}

std::string Sha256::digest() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(context_.get(), bytes, &size));
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string Sha256::hex() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest()) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256(std::string_view bytes) {
  return Sha256().update(bytes).digest();
}

std::string sha256_hex(std::string_view bytes) {
  return Sha256().update(bytes).hex();
}

}  // namespace spyhop
