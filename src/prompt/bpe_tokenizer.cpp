#include "prompt/bpe_tokenizer.h"

#include <algorithm>
#include <utility>

#include "prompt/byte_alphabet.h"
#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr size_t kMinOrderedBytes = 16;  // shorter pieces are merged faster than matched

bool occurs_in_utf8(int byte) {
  return byte < 0xC0 || (byte > 0xC1 && byte < 0xF5);
}

}  // namespace

/// One call of encode: gathers the ids.
class BpeTokenizer::Encoder {
 public:
  explicit Encoder(const BpeTokenizer& tokenizer) : tokenizer_(tokenizer), merger_(tokenizer.merges_) {}

  void add_text(std::string_view text, const std::vector<AddedTokenMatcher>& rounds, size_t round) {
    if (round == rounds.size()) return add_plain_text(text);
    split_at_added_tokens(
        text, rounds[round], [&](std::string_view part) { add_text(part, rounds, round + 1); },
        [&](int32_t id) { ids_.push_back(id); });
  }

  void add_piece(std::string_view piece) {
    if (piece.size() <= tokenizer_.longest_piece_) {
      const int32_t id = tokenizer_.whole_pieces_.find(piece);
      if (id != TokenTable::kAbsent) {
        ids_.push_back(id);
        return;
      }
    }
    merge_piece(piece);
  }

  void merge_piece(std::string_view piece) {
    const size_t before = ids_.size();
    ids_.resize(before + piece.size());
    int32_t* const begin = ids_.data() + before;
    const bool is_long = piece.size() >= kMinOrderedBytes && tokenizer_.ordered_ != nullptr;
    int32_t* end = is_long ? tokenizer_.ordered_->encode(piece, begin, scratch_) : nullptr;
    if (end == nullptr) {
      for (size_t i = 0; i < piece.size(); ++i) begin[i] = tokenizer_.byte_ids_[static_cast<uint8_t>(piece[i])];
      end = merger_.merge(begin, begin + piece.size());
    }
    ids_.resize(static_cast<size_t>(end - ids_.data()));
  }

  std::vector<int32_t> take() { return std::exchange(ids_, {}); }

 private:
  void add_plain_text(std::string_view text) {
    uint32_t begin = 0;
    for (const uint32_t end : tokenizer_.pre_tokenizer_->piece_ends(text)) {
      add_piece(text.substr(begin, end - begin));
      begin = end;
    }
  }

  const BpeTokenizer& tokenizer_;
  BytePairMerger merger_;
  OrderedBpe::Scratch scratch_;
  std::vector<int32_t> ids_;
};

BpeTokenizer::BpeTokenizer(const TokenizerJson& json, const SpecialIds& special, const std::string& file)
    : ids_(token_index(json.vocab, json.added_tokens)),
      merges_(json.merges),
      pre_tokenizer_(make_pre_tokenizer(std::get<PreTokenizerKind>(json.style))),
      rounds_(json.added_tokens),
      special_ids_(special) {
  const auto set = [this](int32_t id, const std::string& notation, bool is_special) {
    tokens_.set(id, characters_to_bytes(notation).value_or(notation), is_special);
  };
  for (const VocabEntry& entry : json.vocab) set(entry.id, entry.token, /*is_special=*/false);
  for (const AddedToken& token : json.added_tokens) set(token.id, token.content, token.special);
  find_byte_tokens(token_index(json.vocab, {}), file);
  find_whole_pieces(json);
}

void BpeTokenizer::find_byte_tokens(const TokenTable& vocab, const std::string& file) {
  for (int byte = 0; byte < 256; ++byte) {
    const int32_t id = vocab.find(byte_to_character(static_cast<unsigned char>(byte)));
    if (id == TokenTable::kAbsent && occurs_in_utf8(byte)) {
      throw Error(ErrorCode::kModelLoad, file + ": model.vocab has no token for the byte " + std::to_string(byte) +
                                             "; allowed: a token for every byte that occurs in UTF-8");
    }
    byte_ids_[static_cast<size_t>(byte)] = id;
  }
}

void BpeTokenizer::find_whole_pieces(const TokenizerJson& json) {
  std::vector<TokenTrie::Entry> whole;
  size_t num_bytes = 0;
  Encoder encoder(*this);
  for (const VocabEntry& entry : json.vocab) {
    const std::optional<std::string> bytes = characters_to_bytes(entry.token);
    if (!bytes || bytes->empty()) continue;
    encoder.merge_piece(*bytes);
    if (encoder.take() != std::vector<int32_t>{entry.id}) continue;
    longest_piece_ = std::max(longest_piece_, bytes->size());
    num_bytes += bytes->size();
    whole.push_back({*bytes, entry.id});
  }
  whole_pieces_ = TokenTable(whole.size(), num_bytes);
  for (const TokenTrie::Entry& piece : whole) whole_pieces_.add(piece.bytes, piece.id);
  if (has_ordered_merges(json.merges)) {
    ordered_ = std::make_unique<const OrderedBpe>(json.merges, merges_, whole);
  }
}

std::vector<int32_t> BpeTokenizer::encode(std::string_view text, SpecialTokens special) const {
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kTooLarge,
                "a text of " + std::to_string(text.size()) + " bytes; allowed: at most " + std::to_string(kMaxTextBytes));
  }
  Encoder encoder(*this);
  if (is_valid_utf8(text)) {
    encoder.add_text(text, rounds_.of(special), 0);
  } else {
    encoder.add_text(replace_invalid_utf8(text), rounds_.of(special), 0);
  }
  return encoder.take();
}

std::optional<int32_t> BpeTokenizer::id_of(std::string_view token) const {
  const int32_t id = ids_.find(token);
  return id == TokenTable::kAbsent ? std::nullopt : std::optional<int32_t>(id);
}

}  // namespace spyhop
