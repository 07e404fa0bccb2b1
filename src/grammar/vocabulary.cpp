#include "grammar/vocabulary.h"

#include <algorithm>
#include <array>
#include <string>

#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxTokenBytes = 65'535;
constexpr size_t kMaxKeptLoops = 16;
constexpr int kMaxLength = LoopTokens::kOthers - 1;
constexpr size_t kFewTokens = 1000;  // a walk over so many is no cost

size_t common_length(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// Tells which byte strings consist of characters of a set.
class LoopReader {
 public:
  explicit LoopReader(const CharSet& set)
      : set_(set), has_all_beyond_ascii_(CharSet{{0x80, kLastCodePoint}}.without(set).empty()) {
    for (char32_t character = 0; character < 0x80; ++character) is_ascii_in_[character] = set.contains(character);
  }

  /// How many such characters `bytes` begins; -1 where there is another. What breaks off may become another, unless the set has
  /// all.
  int count(std::string_view bytes) const {
    int count = 0;
    while (!bytes.empty()) {
      ++count;
      const auto lead = static_cast<uint8_t>(bytes[0]);
      if (lead < 0x80) {
        if (!is_ascii_in_[lead]) return -1;
        bytes.remove_prefix(1);
        continue;
      }
      const Utf8Step step = next_utf8(bytes);
      if (step.kind == Utf8Step::Kind::kInvalid) return -1;
      if (step.kind == Utf8Step::Kind::kIncomplete) return has_all_beyond_ascii_ ? count : -1;
      if (!set_.contains(decode_utf8(bytes.data()))) return -1;
      bytes.remove_prefix(static_cast<size_t>(step.length));
    }
    return count;
  }

 private:
  const CharSet& set_;
  std::array<bool, 0x80> is_ascii_in_{};
  bool has_all_beyond_ascii_;
};

}  // namespace

void TokenMask::add(const TokenMask& other) {
  for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
}

int64_t TokenMask::count() const {
  int64_t count = 0;
  for (const uint64_t word : words_) count += __builtin_popcountll(word);
  return count;
}

TokenMask LoopTokens::up_to(int64_t length) const {
  const auto too_long =
      std::partition_point(by_length.begin(), by_length.end(), [&](const auto& token) { return token.first <= length; });
  TokenMask mask = tokens;
  for (auto token = too_long; token != by_length.end(); ++token) mask.reset(token->second);
  return mask;
}

Vocabulary::Vocabulary(const std::vector<std::string_view>& tokens, int32_t num_tokens) : num_tokens_(num_tokens) {
  std::vector<int32_t> sorted;
  for (const std::string_view token : tokens) {
    if (token.size() > kMaxTokenBytes) {
      throw Error(ErrorCode::kModelLoad,
                  "a token has " + std::to_string(token.size()) + " bytes; allowed: at most " + std::to_string(kMaxTokenBytes));
    }
    if (!token.empty()) sorted.push_back(static_cast<int32_t>(offsets_.size()));
    max_token_bytes_ = std::max(max_token_bytes_, static_cast<int>(token.size()));
    offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
    bytes_ += token;
  }
  offsets_.push_back(static_cast<uint32_t>(bytes_.size()));
  std::stable_sort(sorted.begin(), sorted.end(), [this](int32_t a, int32_t b) { return bytes(a) < bytes(b); });
  build_trie(sorted);
}

std::string_view Vocabulary::bytes(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) + 1 >= offsets_.size()) return {};
  const uint32_t begin = offsets_[static_cast<size_t>(id)];
  return std::string_view(bytes_).substr(begin, offsets_[static_cast<size_t>(id) + 1] - begin);
}

void Vocabulary::build_trie(const std::vector<int32_t>& sorted) {
  std::vector<uint32_t> path{0};  // nodes from the root to the last token's end
  trie_.push_back({});
  std::string_view previous;
  const auto leave = [&](size_t depth) {
    for (; path.size() > depth + 1; path.pop_back()) trie_[path.back()].end = static_cast<uint32_t>(trie_.size());
  };
  for (const int32_t id : sorted) {
    const std::string_view token = bytes(id);
    if (token == previous) {
      twins_.emplace_back(trie_[path.back()].token, id);
      continue;
    }
    leave(common_length(previous, token));
    for (size_t depth = path.size(); depth <= token.size(); ++depth) {
      path.push_back(static_cast<uint32_t>(trie_.size()));
      trie_.push_back({0, -1, static_cast<uint16_t>(depth), static_cast<uint8_t>(token[depth - 1])});
    }
    trie_[path.back()].token = id;
    previous = token;
  }
  leave(0);
  trie_[0].end = static_cast<uint32_t>(trie_.size());
}

std::shared_ptr<const LoopTokens> Vocabulary::loop_tokens(const CharSet& set) const {
  const auto find = [&] {
    return std::find_if(kept_loops_.begin(), kept_loops_.end(), [&](const KeptLoop& kept) { return kept.set == set; });
  };
  {
    std::lock_guard lock(mutex_);
    const auto kept = find();
    if (kept != kept_loops_.end()) {
      kept_loops_.splice(kept_loops_.begin(), kept_loops_, kept);
      return kept->tokens;
    }
  }
  std::shared_ptr<const LoopTokens> tokens = find_loop_tokens(set);
  std::lock_guard lock(mutex_);
  if (find() == kept_loops_.end()) kept_loops_.push_front({set, tokens});
  if (kept_loops_.size() > kMaxKeptLoops) kept_loops_.pop_back();
  return tokens;
}

std::shared_ptr<const LoopTokens> Vocabulary::find_loop_tokens(const CharSet& set) const {
  const LoopReader reader(set);
  auto found = std::make_shared<LoopTokens>();
  found->tokens = TokenMask(num_tokens_);
  for (const TrieNode& node : trie_) {
    if (node.token < 0) continue;
    const int length = reader.count(bytes(node.token));
    if (length < 0) continue;
    found->tokens.set(node.token);
    found->by_length.emplace_back(length, node.token);
  }
  if (found->by_length.size() < kFewTokens) return nullptr;
  std::stable_sort(found->by_length.begin(), found->by_length.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  found->longest.assign(trie_.size(), 0);
  std::vector<uint16_t> lengths(static_cast<size_t>(num_tokens_), LoopTokens::kOthers);
  for (const auto& [length, id] : found->by_length) {
    lengths[static_cast<size_t>(id)] = static_cast<uint16_t>(std::min(length, kMaxLength));
  }
  std::vector<uint32_t> path;
  for (uint32_t i = 0; i < trie_.size(); ++i) {
    while (!path.empty() && trie_[path.back()].end <= i) path.pop_back();
    path.push_back(i);
    if (trie_[i].token < 0) continue;
    const uint16_t least = lengths[static_cast<size_t>(trie_[i].token)];
    for (size_t above = path.size(); above-- > 0 && found->longest[path[above]] < least;) found->longest[path[above]] = least;
  }
  return found;
}

size_t Vocabulary::num_bytes() const {
  return offsets_.size() * sizeof offsets_[0] + bytes_.size() + trie_.size() * sizeof(TrieNode);
}

}  // namespace spyhop
