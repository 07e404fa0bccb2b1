// A grammar over a vocabulary: which tokens may follow.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/grammar.h"
#include "grammar/network.h"
#include "grammar/vocabulary.h"

namespace spyhop {

/// What may come next in an answer.
struct NextTokens {
  TokenMask tokens;  // the end token among them where the answer may end
  bool may_end = false;
  bool may_go_on = false;  // neither: the answer is in a dead end
};

struct MaskStats {
  int64_t num_cached = 0;  // asked for and known
  int64_t num_computed = 0;
};

/// Thread safety: immutable but for what it keeps; any thread may call every member, and none waits for another's mask.
class CompiledGrammar {
 public:
  /// `end_token`: what an answer ends with; it is never a part of one.
  /// Throws Error{kInvalidRequest} as make_network does.
  CompiledGrammar(const Grammar& grammar, std::shared_ptr<const Vocabulary> vocabulary, int32_t end_token);

  /// Where every answer begins, for the members below. States are opaque; equal states are equal strings, with rare exceptions.
  const std::string& start() const { return start_; }

  /// The state after a token; empty when it is not allowed. The end token leads to no state.
  std::string after(const std::string& state, int32_t token) const;

  /// Throws Error{kInvalidRequest} where that takes too many steps.
  std::shared_ptr<const NextTokens> next_tokens(const std::string& state) const;

  /// Without keeping or asking what is kept.
  NextTokens compute_next_tokens(const std::string& state) const;

  bool may_end(const std::string& state) const;
  int32_t num_tokens() const { return vocabulary_->num_tokens(); }  // width of the masks
  MaskStats stats() const;

  /// What it takes now: kept masks included, which are bounded.
  size_t num_bytes() const;

 private:
  class Lease;
  struct KeptMask {
    std::string state;
    std::shared_ptr<const NextTokens> next;
  };

  void walk(Automaton& automaton, Automaton::StateId state, const LoopTokens* loop, TokenMask& mask) const;
  const LoopTokens* loop_tokens(const Automaton::Loop& loop) const;
  size_t kept_bytes(const std::string& state) const;

  Network network_;
  std::shared_ptr<const Vocabulary> vocabulary_;
  int32_t end_token_;
  std::vector<std::shared_ptr<const LoopTokens>> loops_;  // by network_.loop_chars; null: not worth it
  std::string start_;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Automaton>> idle_;
  mutable std::list<KeptMask> kept_;  // the latest first
  mutable std::unordered_map<std::string_view, std::list<KeptMask>::iterator> kept_by_state_;
  mutable size_t kept_bytes_ = 0;
  mutable MaskStats stats_;
};

/// One answer's way through a grammar. A value: copies go their own ways. Thread safety: one thread at a time.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const CompiledGrammar> grammar) : grammar_(std::move(grammar)), state_(grammar_->start()) {}

  std::shared_ptr<const NextTokens> next_tokens() const { return grammar_->next_tokens(state_); }

  /// Goes on by a token. False, and nothing changes, when it is not allowed; the end token never is.
  bool accept(int32_t token);

  bool may_end() const { return grammar_->may_end(state_); }

 private:
  std::shared_ptr<const CompiledGrammar> grammar_;
  std::string state_;
};

}  // namespace spyhop
