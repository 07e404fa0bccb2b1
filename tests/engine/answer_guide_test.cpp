// Answers under constraints, by a whole engine over a miniature checkpoint: whatever it says must match.
#include "engine/answer_guide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <regex>

#include "engine_fixture.h"
#include "prompt/tokenizer.h"

namespace spyhop {
namespace {

class AnswerGuideTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    spdlog::set_level(spdlog::level::off);
    EngineConfig config;
    config.model_path = std::string(SPYHOP_TEST_DATA) + "/mini-tiny/checkpoint";
    config.runtime.num_threads = 2;
    config.max_context = 1024;
    engine_ = make_engine(config).release();
  }
  static void TearDownTestSuite() { delete engine_; }

  static ChatRequest constrained(AnswerConstraint constraint, uint64_t seed = 1) {
    ChatRequest request = ask("hello");
    request.constraint = std::move(constraint);
    request.constraint_field = "field";
    request.max_tokens = 400;
    request.sampling.seed = seed;
    return request;
  }

  static Collected answer(const ChatRequest& request) { return collect(*engine_->submit(request)); }

  static Engine* engine_;
};

Engine* AnswerGuideTest::engine_ = nullptr;

TEST_F(AnswerGuideTest, SchemasHoldForEveryAnswerOfARequest) {
  ChatRequest request = constrained(JsonSchemaConstraint{
      R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "n": {"type": "integer"}},
          "required": ["name", "n"]})"});
  request.n = 4;
  request.sampling.repetition_penalty = 1.1;
  request.sampling.top_p = 0.95;
  const Collected result = answer(request);
  ASSERT_EQ(result.texts.size(), 4u);
  for (const auto& [choice, text] : result.texts) {
    ASSERT_EQ(result.finishes.at(choice), FinishReason::kStop) << text;
    const nlohmann::json json = nlohmann::json::parse(text);
    EXPECT_TRUE(json.at("name").is_string() && json.at("n").is_number_integer()) << text;
  }
}

TEST_F(AnswerGuideTest, PatternsHoldWithIgnoredEnd) {
  ChatRequest request = constrained(RegexConstraint{"[a-f]{4}-\\d+x"});
  request.ignore_eos = true;
  for (uint64_t seed = 1; seed < 6; ++seed) {
    request.sampling.seed = seed;
    const Collected result = answer(request);
    EXPECT_TRUE(std::regex_match(result.texts.at(0), std::regex("[a-f]{4}-\\d+x"))) << result.texts.at(0);
  }
}

TEST_F(AnswerGuideTest, ChoicesGrammarsAndObjectsHold) {
  EXPECT_THAT(answer(constrained(ChoiceConstraint{{"yes", "no"}})).texts.at(0), testing::AnyOf("yes", "no"));
  const std::string sum = answer(constrained(GrammarConstraint{R"(root ::= [0-9]{2} ("+" [0-9]{2}){1,3})"})).texts.at(0);
  EXPECT_TRUE(std::regex_match(sum, std::regex("\\d\\d(\\+\\d\\d){1,3}"))) << sum;
  const Collected object = answer(constrained(JsonObjectConstraint{}, 3));
  EXPECT_EQ(object.texts.at(0).front(), '{');
}

TEST_F(AnswerGuideTest, MaxTokensCutsAnAnswer) {
  ChatRequest request = constrained(RegexConstraint{"a{300}"});
  request.max_tokens = 3;
  EXPECT_EQ(answer(request).finishes.at(0), FinishReason::kLength);
}

TEST_F(AnswerGuideTest, StopStringsEndAnAnswerInsideItsGrammar) {
  ChatRequest request = constrained(RegexConstraint{"a{20}-b*"});
  request.stop = {"-"};
  const Collected result = answer(request);
  EXPECT_EQ(result.texts.at(0), std::string(20, 'a'));
  EXPECT_EQ(result.finishes.at(0), FinishReason::kStop);
}

TEST_F(AnswerGuideTest, StopTokensEndAnAnswerInsideItsGrammar) {
  const auto tokenizer = load_tokenizer(std::string(SPYHOP_TEST_DATA) + "/mini-tiny/checkpoint");
  const std::vector<int32_t> dash = tokenizer->encode("-", SpecialTokens::kNone);
  ASSERT_EQ(dash.size(), 1u);
  ChatRequest request = constrained(RegexConstraint{"a{20}-1{5}"});
  request.stop_token_ids = dash;
  request.include_stop = true;
  const Collected result = answer(request);
  EXPECT_EQ(result.texts.at(0), std::string(20, 'a') + "-");
  EXPECT_EQ(result.finishes.at(0), FinishReason::kStop);
}

TEST_F(AnswerGuideTest, MinTokensHoldAsFarAsTheGrammarGoesOn) {
  ChatRequest request = constrained(RegexConstraint{"[ab]{1,30}"});
  request.sampling.logit_bias[load_tokenizer(std::string(SPYHOP_TEST_DATA) + "/mini-tiny/checkpoint")->special_ids().eos] = 50;
  EXPECT_EQ(answer(request).texts.at(0).size(), 1u);
  request.sampling.min_tokens = 100;
  const Collected result = answer(request);
  EXPECT_EQ(result.texts.at(0).size(), 30u);
  EXPECT_EQ(result.finishes.at(0), FinishReason::kStop);
}

TEST_F(AnswerGuideTest, LogprobsAreOfEveryTokenOfTheAnswer) {
  ChatRequest request = constrained(JsonSchemaConstraint{R"({"type": "array", "items": {"enum": ["x", 12]}, "minItems": 3})"});
  request.sampling.logprobs = true;
  request.sampling.top_logprobs = 3;
  const auto stream = engine_->submit(request);
  std::string text;
  std::string tokens;
  for (bool is_open = true; is_open;) {
    const auto event = stream->next(std::chrono::milliseconds(1000));
    ASSERT_TRUE(event.has_value());
    ASSERT_FALSE(std::holds_alternative<StreamError>(*event));
    is_open = !std::holds_alternative<StreamEnd>(*event);
    const auto* delta = std::get_if<TextDelta>(&*event);
    if (delta == nullptr) continue;
    text += delta->text;
    for (const TokenLogprob& token : delta->logprobs) {
      tokens += token.token;
      EXPECT_LE(token.logprob, 0.0);
      EXPECT_EQ(token.top.size(), 3u);
    }
  }
  EXPECT_EQ(tokens, text);
  EXPECT_TRUE(nlohmann::json::parse(text).is_array()) << text;
}

TEST_F(AnswerGuideTest, BoxesAreWellFormedAndCounted) {
  const auto tokenizer = load_tokenizer(std::string(SPYHOP_TEST_DATA) + "/mini-tiny/checkpoint");
  ChatRequest request = ask("hello");
  request.boxes = BoxConstraint{2};
  request.max_tokens = 300;
  request.sampling.logit_bias[*tokenizer->id_of("<|det|>")] = 9.0;
  const std::regex list(R"(<\|det\|>\[\[\d+(, \d+){3}\](, \[\d+(, \d+){3}\])?\]<\|/det\|>)");
  int num_lists = 0;
  for (uint64_t seed = 1; seed < 6; ++seed) {
    request.sampling.seed = seed;
    const std::string text = answer(request).texts[0];
    for (size_t at = text.find("<|det|>"); at != std::string::npos; at = text.find("<|det|>", at + 1)) {
      const size_t end = text.find("<|/det|>", at);
      if (end == std::string::npos) break;  // cut
      ++num_lists;
      EXPECT_TRUE(std::regex_match(text.substr(at, end + 8 - at), list)) << text.substr(at, end + 8 - at);
    }
  }
  EXPECT_GT(num_lists, 3);
}

TEST_F(AnswerGuideTest, WhatCannotBeCompiledIsRefusedBeforeTheRequestIsQueued) {
  try {
    engine_->submit(constrained(JsonSchemaConstraint{R"({"not": {"type": "null"}})"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
    EXPECT_EQ(error.param(), "field");
    EXPECT_THAT(error.what(), testing::HasSubstr("field: the schema at $: not is not supported"));
  }
}

TEST_F(AnswerGuideTest, AGrammarThatIsTooAmbiguousEndsItsRequestAlone) {
  const auto good = engine_->submit(constrained(RegexConstraint{"[a-f]{40}"}));
  const Collected bad = answer(constrained(GrammarConstraint{R"(root ::= (a{1,1000}){500,1000} a ::= "x"{1,1000})"}));
  ASSERT_TRUE(bad.error);
  EXPECT_EQ(bad.error->code, ErrorCode::kInvalidRequest);
  EXPECT_THAT(bad.error->message, testing::HasSubstr("too ambiguous"));
  EXPECT_EQ(collect(*good).texts.at(0).size(), 40u);
}

}  // namespace
}  // namespace spyhop
