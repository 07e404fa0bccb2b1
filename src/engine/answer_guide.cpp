#include "engine/answer_guide.h"

#include <string_view>
#include <utility>
#include <vector>

#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/list_grammars.h"
#include "grammar/text_conditions.h"

namespace spyhop {
namespace {

/// How a constraint is told apart from all others, and what makes a grammar of it.
struct GrammarSource {
  std::string key;
  std::function<Grammar()> parse;
};

struct SourceOf {
  GrammarSource operator()(const JsonSchemaConstraint& constraint) const {
    return {"schema " + constraint.schema, [&constraint] { return parse_json_schema(constraint.schema); }};
  }
  GrammarSource operator()(const JsonObjectConstraint&) const { return {"object", json_object_grammar}; }
  GrammarSource operator()(const RegexConstraint& constraint) const {
    return {"regex " + constraint.pattern, [&constraint] { return pattern_grammar(constraint.pattern); }};
  }
  GrammarSource operator()(const ChoiceConstraint& constraint) const {
    std::string key = "choice";
    for (const std::string& choice : constraint.choices) key += " " + std::to_string(choice.size()) + ":" + choice;
    return {key, [&constraint] { return choice_grammar(constraint.choices); }};
  }
  GrammarSource operator()(const GrammarConstraint& constraint) const {
    return {"gbnf " + constraint.grammar, [&constraint] { return parse_gbnf(constraint.grammar); }};
  }
};

}  // namespace

AnswerGuide::AnswerGuide(GuideRules rules) : rules_(std::move(rules)) {
  if (ends_answer()) matcher_.emplace(rules_.grammar);
}

const uint64_t* AnswerGuide::allowed() {
  if (!matcher_) return nullptr;
  try {
    next_ = matcher_->next_tokens();
    if (!next_->may_go_on && !next_->may_end) {
      failure_.emplace(ErrorCode::kInvalidRequest, "the answer cannot go on under its grammar: calls are nested too deep");
    }
  } catch (const Error& error) {
    failure_ = error;
  } catch (const std::exception& error) {
    failure_.emplace(ErrorCode::kInternal, error.what());
  }
  if (failure_) next_ = std::make_shared<const NextTokens>(NextTokens{TokenMask(rules_.grammar->num_tokens())});
  return next_->tokens.words().data();
}

void AnswerGuide::accept(int32_t token) {
  if (!matcher_) {
    if (token == rules_.begin_token) matcher_.emplace(rules_.grammar);
  } else if (token == rules_.end_token) {
    matcher_.reset();
  } else if (!matcher_->accept(token)) {
    throw Error(ErrorCode::kInternal, "token " + std::to_string(token) + " does not match the grammar that allowed it");
  }
}

GuideMaker::GuideMaker(std::shared_ptr<const Tokenizer> tokenizer, int vocab_size)
    : tokenizer_(std::move(tokenizer)), vocab_size_(vocab_size) {}

std::optional<GuideRules> GuideMaker::rules_for(const ChatRequest& request) const {
  if (request.boxes) {
    const int max_boxes = request.boxes->max_boxes;
    const int32_t end = tokenizer_->id_of("<|/det|>").value_or(-1);
    const auto grammar = compiled(
        "boxes " + std::to_string(max_boxes), [&] { return box_list_grammar(max_boxes); }, end);
    return GuideRules{grammar, tokenizer_->id_of("<|det|>").value_or(-1), end};
  }
  if (!request.constraint) return std::nullopt;
  const int32_t eos = tokenizer_->special_ids().eos;
  const GrammarSource source = std::visit(SourceOf{}, *request.constraint);
  try {
    return GuideRules{compiled(source.key, source.parse, eos), -1, eos};
  } catch (const Error& error) {
    const std::string& field = request.constraint_field;
    throw Error(error.code(), field.empty() ? error.what() : field + ": " + error.what(), field);
  }
}

std::shared_ptr<const CompiledGrammar> GuideMaker::compiled(const std::string& key, const std::function<Grammar()>& parse,
                                                            int32_t end_token) const {
  return cache_.get(key, [&] { return std::make_shared<const CompiledGrammar>(parse(), vocabulary(), end_token); });
}

std::shared_ptr<const Vocabulary> GuideMaker::vocabulary() const {
  std::lock_guard lock(mutex_);
  if (vocabulary_ == nullptr) vocabulary_ = make_vocabulary(*tokenizer_, vocab_size_);
  return vocabulary_;
}

std::shared_ptr<const Vocabulary> make_vocabulary(const Tokenizer& tokenizer, int vocab_size) {
  std::vector<std::string_view> tokens;
  for (int32_t id = 0; id < tokenizer.size(); ++id) {
    tokens.push_back(tokenizer.is_special(id) ? std::string_view() : tokenizer.token_bytes(id));
  }
  return std::make_shared<const Vocabulary>(tokens, vocab_size);
}

}  // namespace spyhop
