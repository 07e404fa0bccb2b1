// Tokens that a request rules out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spyhop {

/// Which tokens an answer may hold, in ids of the vocabulary.
struct TokenRules {
  std::vector<int32_t> allowed;                // no others; empty: all
  std::vector<int32_t> ends;                   // not among the first min_tokens
  int min_tokens = 0;                          // of an answer
  std::vector<std::vector<int32_t>> bad_runs;  // the last token of each is out where the others stand before it; none is empty
};

/// Applies the rules to one answer, whose tokens it is told. Thread safety: one thread at a time.
class TokenBans {
 public:
  explicit TokenBans(const TokenRules& rules);

  /// Whether apply() changes anything.
  bool any() const { return !rules_.allowed.empty() || !rules_.bad_runs.empty() || ends_are_out(); }

  /// logits: [vocab_size] f32; minus infinity for what is out. `mask`: what else holds, as TokenFilter gives it: where it
  /// leaves only what ends the answer, that is not out, however short the answer is.
  void apply(float* logits, int64_t vocab_size, const uint64_t* mask = nullptr) const;

  /// A token of the answer.
  void count(int32_t id);

 private:
  bool ends_are_out() const { return num_tokens_ < rules_.min_tokens && !rules_.ends.empty(); }
  bool leaves_only_ends(const uint64_t* mask, int64_t vocab_size) const;
  bool completes(const std::vector<int32_t>& run) const;

  TokenRules rules_;
  int num_tokens_ = 0;
  size_t longest_run_ = 0;       // tokens
  std::vector<int32_t> recent_;  // the answer's last tokens, as many as a run may need
};

}  // namespace spyhop
