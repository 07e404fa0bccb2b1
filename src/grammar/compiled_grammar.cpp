#include "grammar/compiled_grammar.h"

#include <algorithm>
#include <utility>

namespace spyhop {
namespace {

constexpr size_t kMaxLoops = 8;                     // of a grammar, that have their tokens at hand
constexpr size_t kMaxKeptBytes = size_t{16} << 20;  // of masks

}  // namespace

/// An automaton of one's own for a while.
class CompiledGrammar::Lease {
 public:
  explicit Lease(const CompiledGrammar& grammar) : grammar_(grammar) {
    {
      std::lock_guard lock(grammar.mutex_);
      if (!grammar.idle_.empty()) {
        automaton_ = std::move(grammar.idle_.back());
        grammar.idle_.pop_back();
      }
    }
    if (automaton_ == nullptr) automaton_ = std::make_unique<Automaton>(grammar.network_);
    automaton_->begin();
  }

  ~Lease() {
    if (automaton_->is_crowded()) return;  // rather than keep its memory
    std::lock_guard lock(grammar_.mutex_);
    grammar_.idle_.push_back(std::move(automaton_));
  }

  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Automaton& operator*() { return *automaton_; }
  Automaton* operator->() { return automaton_.get(); }

 private:
  const CompiledGrammar& grammar_;
  std::unique_ptr<Automaton> automaton_;
};

CompiledGrammar::CompiledGrammar(const Grammar& grammar, std::shared_ptr<const Vocabulary> vocabulary, int32_t end_token)
    : network_(make_network(grammar)), vocabulary_(std::move(vocabulary)), end_token_(end_token) {
  for (size_t i = 0; i < std::min(network_.loop_chars.size(), kMaxLoops); ++i) {
    loops_.push_back(vocabulary_->loop_tokens(network_.loop_chars[i]));
  }
  Lease automaton(*this);
  start_ = automaton->save(automaton->start());
}

std::string CompiledGrammar::after(const std::string& state, int32_t token) const {
  const std::string_view bytes = vocabulary_->bytes(token);
  if (token == end_token_ || bytes.empty()) return {};
  Lease automaton(*this);
  Automaton::StateId now = automaton->load(state);
  for (const char byte : bytes) now = automaton->next(now, static_cast<uint8_t>(byte));
  return now == Automaton::kDead ? std::string() : automaton->save(now);
}

bool CompiledGrammar::may_end(const std::string& state) const {
  Lease automaton(*this);
  return automaton->may_end(automaton->load(state));
}

std::shared_ptr<const NextTokens> CompiledGrammar::next_tokens(const std::string& state) const {
  {
    std::lock_guard lock(mutex_);
    const auto known = kept_by_state_.find(state);
    if (known != kept_by_state_.end()) {
      ++stats_.num_cached;
      kept_.splice(kept_.begin(), kept_, known->second);
      return known->second->next;
    }
  }
  auto next = std::make_shared<const NextTokens>(compute_next_tokens(state));
  std::lock_guard lock(mutex_);
  ++stats_.num_computed;
  if (kept_by_state_.count(state) != 0) return next;
  kept_.push_front({state, next});
  kept_by_state_.emplace(kept_.front().state, kept_.begin());
  kept_bytes_ += kept_bytes(state);
  while (kept_bytes_ > kMaxKeptBytes && kept_.size() > 1) {
    kept_bytes_ -= kept_bytes(kept_.back().state);
    kept_by_state_.erase(kept_.back().state);
    kept_.pop_back();
  }
  return next;
}

size_t CompiledGrammar::kept_bytes(const std::string& state) const {
  return state.size() + static_cast<size_t>(vocabulary_->num_tokens()) / 8 + 256;
}

NextTokens CompiledGrammar::compute_next_tokens(const std::string& saved) const {
  Lease automaton(*this);
  const Automaton::StateId state = automaton->load(saved);
  NextTokens next{TokenMask(vocabulary_->num_tokens()), automaton->may_end(state), false};
  const LoopTokens* const loop = loop_tokens(automaton->loop(state));
  if (loop != nullptr) next.tokens = loop->up_to(automaton->loop(state).left);
  walk(*automaton, state, loop, next.tokens);
  for (const auto& [first, twin] : vocabulary_->twins()) {
    if (next.tokens.test(first)) next.tokens.set(twin);
  }
  next.tokens.reset(end_token_);
  next.may_go_on = !next.tokens.empty();
  if (next.may_end) next.tokens.set(end_token_);
  return next;
}

const LoopTokens* CompiledGrammar::loop_tokens(const Automaton::Loop& loop) const {
  return loop.chars >= 0 && static_cast<size_t>(loop.chars) < loops_.size() ? loops_[static_cast<size_t>(loop.chars)].get()
                                                                            : nullptr;
}

/// Adds the tokens that may follow, but for those that stay in `loop`, which may be null.
void CompiledGrammar::walk(Automaton& automaton, Automaton::StateId state, const LoopTokens* loop, TokenMask& mask) const {
  const std::vector<Vocabulary::TrieNode>& trie = vocabulary_->trie();
  const auto left = static_cast<uint16_t>(std::min<int64_t>(automaton.loop(state).left, LoopTokens::kOthers - 1));
  std::vector<Automaton::StateId> states(static_cast<size_t>(vocabulary_->max_token_bytes()) + 1);
  states[0] = state;
  for (uint32_t i = 1; i < trie.size();) {
    const Vocabulary::TrieNode& node = trie[i];
    const bool stays = loop != nullptr && loop->longest[i] <= left;
    const Automaton::StateId next = stays ? Automaton::kDead : automaton.next(states[node.depth - 1u], node.byte);
    if (next == Automaton::kDead) {
      i = node.end;
      continue;
    }
    states[node.depth] = next;
    if (node.token >= 0) mask.set(node.token);
    ++i;
  }
}

MaskStats CompiledGrammar::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

size_t CompiledGrammar::num_bytes() const {
  std::lock_guard lock(mutex_);
  return network_.num_bytes() + kept_bytes_;
}

bool Matcher::accept(int32_t token) {
  std::string next = grammar_->after(state_, token);
  if (next.empty()) return false;
  state_ = std::move(next);
  return true;
}

}  // namespace spyhop
