// What each token of a tokenizer adds to a text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Bytes and flags of tokens by id, in one block of memory. Ids without a token have no bytes and are not special.
class TokenStore {
 public:
  /// Replaces what the id had.
  void set(int32_t id, std::string_view bytes, bool is_special) {
    if (id >= size()) tokens_.resize(static_cast<size_t>(id) + 1);
    tokens_[static_cast<size_t>(id)] = {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(bytes.size()), is_special};
    bytes_ += bytes;
  }

  std::string_view bytes(int32_t id) const {
    if (!has(id)) return {};
    const Token& token = tokens_[static_cast<size_t>(id)];
    return {bytes_.data() + token.offset, token.size};
  }

  bool is_special(int32_t id) const { return has(id) && tokens_[static_cast<size_t>(id)].is_special; }

  /// One past the highest id.
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }

 private:
  struct Token {
    uint32_t offset = 0;  // in bytes_
    uint32_t size = 0;
    bool is_special = false;
  };

  bool has(int32_t id) const { return id >= 0 && id < size(); }

  std::vector<Token> tokens_;
  std::string bytes_;
};

}  // namespace spyhop
