// What a constraint makes of an answer, token by token.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "grammar/compiled_grammar.h"
#include "grammar/grammar_cache.h"
#include "prompt/tokenizer.h"
#include "runtime/token_filter.h"
#include "spyhop/chat.h"
#include "spyhop/error.h"

namespace spyhop {

/// A grammar for a whole answer, or for what stands between two tokens of it.
struct GuideRules {
  std::shared_ptr<const CompiledGrammar> grammar;
  int32_t begin_token = -1;  // with it the grammar begins, anew each time; -1: with the answer
  int32_t end_token = -1;    // what follows the grammar's texts
};

/// Keeps one answer to its constraint. Thread safety: one thread at a time.
class AnswerGuide : public TokenFilter {
 public:
  explicit AnswerGuide(GuideRules rules);

  /// Never throws: when something fails, no token is allowed and failure() says why.
  const uint64_t* allowed() override;

  /// Goes on by the token that was chosen.
  void accept(int32_t token);

  const std::optional<Error>& failure() const { return failure_; }

  /// Whether the whole answer is under the grammar, so that its end is the answer's.
  bool ends_answer() const { return rules_.begin_token < 0; }

 private:
  GuideRules rules_;
  std::optional<Matcher> matcher_;  // while the grammar is being followed
  std::shared_ptr<const NextTokens> next_;
  std::optional<Error> failure_;
};

/// The tokens of a tokenizer but for its special ones. `vocab_size`: the model's, which may exceed the tokenizer's.
std::shared_ptr<const Vocabulary> make_vocabulary(const Tokenizer& tokenizer, int vocab_size);

/// Makes guides for requests. Thread safety: any thread.
class GuideMaker {
 public:
  /// `vocab_size`: the model's, which may exceed the tokenizer's.
  GuideMaker(std::shared_ptr<const Tokenizer> tokenizer, int vocab_size);

  /// Nothing for a request without a constraint. Compiles what is not in the cache on the calling thread. Throws
  /// Error{kInvalidRequest} naming the request's field for what cannot be compiled.
  std::optional<GuideRules> rules_for(const ChatRequest& request) const;

 private:
  std::shared_ptr<const Vocabulary> vocabulary() const;
  std::shared_ptr<const CompiledGrammar> compiled(const std::string& key, const std::function<Grammar()>& parse,
                                                  int32_t end_token) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  int vocab_size_;
  mutable GrammarCache cache_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Vocabulary> vocabulary_;  // made for the first constraint
};

}  // namespace spyhop
