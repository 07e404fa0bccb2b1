#include "engine/token_rules.h"

#include <gtest/gtest.h>

#include "spyhop/error.h"
#include "support/fake_model.h"

namespace spyhop {
namespace {

constexpr int kVocabulary = 300;

TokenRules rules_of(const ChatRequest& request) {
  return token_rules(request, FakeTokenizer(), kVocabulary);
}

std::string blamed(const ChatRequest& request) {
  try {
    rules_of(request);
    return "nothing";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidRequest);
    return e.param();
  }
}

using Ids = std::vector<int32_t>;

TEST(token_rules, TakeEachIdOnce) {
  ChatRequest request;
  request.sampling.allowed_token_ids = {7, 3, 7};
  request.stop_token_ids = {9, 9};
  const TokenRules rules = rules_of(request);
  EXPECT_EQ(rules.allowed, (Ids{3, 7}));
  EXPECT_EQ(rules.ends, (Ids{9, FakeTokenizer::kEos}));
}

TEST(token_rules, EndsLeaveOutAnEosThatEndsNothing) {
  ChatRequest request;
  request.ignore_eos = true;
  EXPECT_TRUE(rules_of(request).ends.empty());
}

TEST(token_rules, ABadWordIsOutWithAndWithoutASpace) {
  ChatRequest request;
  request.sampling.bad_words = {" ab"};
  const TokenRules rules = rules_of(request);
  EXPECT_EQ(rules.bad_runs, (std::vector<Ids>{{'a', 'b'}}));  // of bytes, the space is a token more
}

TEST(token_rules, NameTheIdThatIsNoToken) {
  ChatRequest request;
  request.stop_token_ids = {1, kVocabulary};
  EXPECT_EQ(blamed(request), "stop_token_ids[1]");
  request.stop_token_ids = {};
  request.sampling.allowed_token_ids = {-1};
  EXPECT_EQ(blamed(request), "allowed_token_ids[0]");
}

TEST(token_rules, RefuseMoreTokensThanThereMayBe) {
  ChatRequest request;
  request.max_tokens = 3;
  request.sampling.min_tokens = 4;
  EXPECT_EQ(blamed(request), "min_tokens");
  request.sampling.min_tokens = 3;
  EXPECT_EQ(blamed(request), "nothing");
}

TEST(token_rules, RefuseWhatMayLeaveNoToken) {
  ChatRequest request;
  request.sampling.allowed_token_ids = {'b', FakeTokenizer::kEos};
  request.sampling.bad_words = {"ab"};
  EXPECT_EQ(blamed(request), "nothing");
  request.sampling.min_tokens = 1;
  EXPECT_EQ(blamed(request), "allowed_token_ids");
}

TEST(token_rules, RefuseWhatMayLeaveNoTokenUnderAForm) {
  ChatRequest request;
  request.constraint = RegexConstraint{"a"};
  request.sampling.min_tokens = 5;
  EXPECT_EQ(blamed(request), "nothing");
  request.sampling.bad_words = {"a"};
  EXPECT_EQ(blamed(request), "bad_words");
  request.sampling.allowed_token_ids = {'a'};
  EXPECT_EQ(blamed(request), "allowed_token_ids");
}

}  // namespace
}  // namespace spyhop
