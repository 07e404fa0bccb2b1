#include "runtime/token_bans.h"

#include <algorithm>
#include <limits>

namespace spyhop {
namespace {

constexpr float kOut = -std::numeric_limits<float>::infinity();

}  // namespace

TokenBans::TokenBans(const TokenRules& rules) : rules_(rules) {
  for (const std::vector<int32_t>& run : rules_.bad_runs) longest_run_ = std::max(longest_run_, run.size());
}

void TokenBans::apply(float* logits, int64_t vocab_size, const uint64_t* mask) const {
  if (!rules_.allowed.empty()) {
    std::vector<float> kept;
    kept.reserve(rules_.allowed.size());
    for (const int32_t id : rules_.allowed) kept.push_back(logits[id]);
    std::fill_n(logits, vocab_size, kOut);
    for (size_t i = 0; i < kept.size(); ++i) logits[rules_.allowed[i]] = kept[i];
  }
  if (ends_are_out() && !leaves_only_ends(mask, vocab_size)) {
    for (const int32_t id : rules_.ends) logits[id] = kOut;
  }
  for (const std::vector<int32_t>& run : rules_.bad_runs) {
    if (completes(run)) logits[run.back()] = kOut;
  }
}

void TokenBans::count(int32_t id) {
  ++num_tokens_;
  if (longest_run_ < 2) return;
  recent_.push_back(id);
  if (recent_.size() >= longest_run_) recent_.erase(recent_.begin());
}

bool TokenBans::leaves_only_ends(const uint64_t* mask, int64_t vocab_size) const {
  if (mask == nullptr) return false;
  std::vector<uint64_t> others(mask, mask + (vocab_size + 63) / 64);
  for (const int32_t id : rules_.ends) others[static_cast<size_t>(id) / 64] &= ~(uint64_t{1} << (id % 64));
  return std::all_of(others.begin(), others.end(), [](uint64_t word) { return word == 0; });
}

/// Whether all of `run` but its last token ends the answer so far.
bool TokenBans::completes(const std::vector<int32_t>& run) const {
  const size_t before = run.size() - 1;
  return before <= recent_.size() && std::equal(run.begin(), run.end() - 1, recent_.end() - static_cast<ptrdiff_t>(before));
}

}  // namespace spyhop
