// Text <-> token ids.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spyhop {

/// Which special tokens spelled in a text become special ids.
enum class SpecialTokens {
  kAll,        // every one: the text is the program's own or trusted (the original's behaviour)
  kGrounding,  // <|ref|> <|/ref|> <|det|> <|/det|> <|grounding|>; all others are encoded as plain text
  kNone,
};

/// Ids that the prompt is built with, looked up by string in the tokenizer.
struct SpecialIds {
  int32_t bos = -1;
  int32_t eos = -1;
  int32_t pad = -1;
  int32_t image = -1;      // "<image>", one per feature row
  int32_t user = -1;       // "<|User|>"
  int32_t assistant = -1;  // "<|Assistant|>"
};

/// Thread safety: immutable after construction; every member may be called from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Ids of `text` (UTF-8; invalid bytes count as U+FFFD) without bos or eos. Time is linear in its length, hostile or not.
  virtual std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const = 0;

  /// Bytes that a token adds to a text, not necessarily whole UTF-8. Ids without a token give "".
  virtual std::string_view token_bytes(int32_t id) const = 0;

  /// True for added tokens flagged special: those that skip_special_tokens drops.
  virtual bool is_special(int32_t id) const = 0;

  virtual std::optional<int32_t> id_of(std::string_view token) const = 0;

  /// One past the highest id that has a token. The model's vocabulary may be larger.
  virtual int32_t size() const = 0;

  virtual const SpecialIds& special_ids() const = 0;

  /// True when a text that begins with a token's space loses that space in decoding, as with SentencePiece.
  virtual bool drops_leading_space() const { return false; }

  /// Whole-text decoding: bytes of all tokens concatenated, invalid UTF-8 replaced by U+FFFD.
  virtual std::string decode(const std::vector<int32_t>& ids, bool skip_special) const;
};

/// Reads tokenizer.json of the folder `path`, or else its tokenizer.model (which needs the SentencePiece plug-in); a `path`
/// that is a file is taken as one of the two. Both may be compressed by gzip, with ".gz" at the end of the name. Takes bos, eos
/// and pad from tokenizer_config.json beside it, adds the VL2 tokens that are missing in the reference's order, and checks that
/// all special tokens exist. Throws Error{kModelLoad} naming the file and the field.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path);

}  // namespace spyhop
