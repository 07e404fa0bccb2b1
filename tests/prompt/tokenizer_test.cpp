#include "prompt/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "conformance_cases.h"
#include "prompt/byte_tokenizer.h"
#include "prompt/special_tokens.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Ids = std::vector<int32_t>;
using nlohmann::json;

class TokenizerConformance : public testing::TestWithParam<const char*> {
 protected:
  std::string folder() const {
    const std::string name = GetParam();
    return name.substr(0, name.find('/'));
  }
};

TEST_P(TokenizerConformance, EncodesAndDecodesEveryRecordedText) {
  const auto tokenizer = load_tokenizer(tokenizer_path(GetParam()));
  for (const json& item : conformance_cases(folder() + "/encode")) {
    const Ids ids = tokenizer->encode(item.at("text").get<std::string>(), SpecialTokens::kAll);
    EXPECT_EQ(ids, item.at("ids").get<Ids>()) << item.dump();
    EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), item.at("dec").get<std::string>()) << item.at("id");
    EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/true), item.at("dec_skip").get<std::string>()) << item.at("id");
  }
}

TEST_P(TokenizerConformance, DecodesEveryRecordedListOfIds) {
  const auto tokenizer = load_tokenizer(tokenizer_path(GetParam()));
  for (const json& item : conformance_cases(folder() + "/decode")) {
    const auto ids = item.at("ids").get<Ids>();
    EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), item.at("dec").get<std::string>()) << item.at("id");
    EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/true), item.at("dec_skip").get<std::string>()) << item.at("id");
  }
}

INSTANTIATE_TEST_SUITE_P(tokenizer, TokenizerConformance,
                         testing::Values("tiny_v2", "tiny_v2/tokenizer_with_vl2.json.gz", "tiny_v3"));

class TokenizerOfFamily : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerOfFamily, AgreesWithTheReferenceOnEveryText) {
  const std::string family = GetParam();
  const auto tokenizer = load_tokenizer(std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint");
  const json table = golden_json("tables/tokenizer_" + family + ".json");
  for (const json& item : table.at("encode")) {
    const Ids ids = tokenizer->encode(item.at("text").get<std::string>(), SpecialTokens::kAll);
    EXPECT_EQ(ids, item.at("ids").get<Ids>()) << item.dump();
  }
  for (const char* list : {"encode", "decode"}) {
    for (const json& item : table.at(list)) {
      const auto ids = item.at("ids").get<Ids>();
      EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), item.at("decoded").get<std::string>());
      EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/true), item.at("decoded_skip_special").get<std::string>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(tokenizer, TokenizerOfFamily, testing::Values("mini-tiny", "mini-small", "mini-base"));

struct ExpectedIds {
  const char* path;
  int32_t bos, eos, pad, image, ref, user, assistant, size;
};

TEST(tokenizer, AddsTheMissingTokensWithTheIdsOfTheReference) {
  for (const ExpectedIds& expected : {ExpectedIds{"tiny_v2", 4000, 4001, 4002, 4003, 4004, 4009, 4010, 4011},
                                      ExpectedIds{"tiny_v3", 0, 1, 2, 4015, 4016, 4021, 4022, 4023}}) {
    const auto tokenizer = load_tokenizer(tokenizer_path(expected.path));
    const SpecialIds& ids = tokenizer->special_ids();
    EXPECT_EQ(ids.bos, expected.bos);
    EXPECT_EQ(ids.eos, expected.eos);
    EXPECT_EQ(ids.pad, expected.pad);
    EXPECT_EQ(ids.image, expected.image);
    EXPECT_EQ(ids.user, expected.user);
    EXPECT_EQ(ids.assistant, expected.assistant);
    EXPECT_EQ(tokenizer->size(), expected.size);
    for (size_t i = 0; i < kGroundingTokens.size(); ++i) {
      EXPECT_EQ(tokenizer->id_of(kGroundingTokens[i]), expected.ref + static_cast<int32_t>(i));
      EXPECT_TRUE(tokenizer->is_special(expected.ref + static_cast<int32_t>(i)));
    }
  }
}

class tokenizer_v3 : public testing::Test {
 protected:
  static constexpr const char* kText =
      "<|User|><image><|ref|>cat<|/ref|><\uff5cend\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>";

  int32_t id(std::string_view token) { return tokenizer_->id_of(token).value_or(-1); }

  std::unique_ptr<Tokenizer> tokenizer_ = load_tokenizer(tokenizer_path("tiny_v3"));
};

TEST_F(tokenizer_v3, EveryAddedTokenIsLiveInTrustedText) {
  const Ids ids = tokenizer_->encode(kText, SpecialTokens::kAll);
  for (const std::string_view token : {kUserToken, kImageToken, kGroundingTokens[0], kEosToken}) {
    EXPECT_THAT(ids, testing::Contains(id(token)));
  }
}

TEST_F(tokenizer_v3, OnlyGroundingTokensAreLiveInTheTextOfARequest) {
  const Ids ids = tokenizer_->encode(kText, SpecialTokens::kGrounding);
  EXPECT_THAT(ids, testing::Contains(id("<|ref|>")));
  EXPECT_THAT(ids, testing::Contains(id("<|/ref|>")));
  for (const std::string_view token : {kUserToken, kImageToken, kEosToken, std::string_view("<\uff5cUser\uff5c>")}) {
    ASSERT_GE(id(token), 0);
    EXPECT_THAT(ids, testing::Not(testing::Contains(id(token)))) << token;
  }
  EXPECT_EQ(tokenizer_->decode(ids, /*skip_special=*/false), kText);
}

TEST_F(tokenizer_v3, NoTokenIsLiveWhenNoneIsWanted) {
  const Ids ids = tokenizer_->encode(kText, SpecialTokens::kNone);
  for (const int32_t token : ids) EXPECT_FALSE(tokenizer_->is_special(token));
  EXPECT_EQ(tokenizer_->decode(ids, /*skip_special=*/true), kText);
}

TEST_F(tokenizer_v3, InvalidUtf8CountsAsReplacementCharacters) {
  EXPECT_EQ(tokenizer_->encode("a\xE4\xBDz\xC0\xAF\xFF", SpecialTokens::kAll),
            tokenizer_->encode("a\ufffdz\ufffd\ufffd\ufffd", SpecialTokens::kAll));
  EXPECT_EQ(tokenizer_->encode(std::string("\xF0\x9F", 2), SpecialTokens::kAll),
            tokenizer_->encode("\ufffd", SpecialTokens::kAll));
}

TEST_F(tokenizer_v3, EncodesZeroBytes) {
  const std::string text("a\0b", 3);
  EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(text, SpecialTokens::kAll), /*skip_special=*/false), text);
}

TEST(tokenizer, TakesLinearTimeOnHostileTexts) {
  std::string begins_of_tokens;
  for (int i = 0; i < 5000; ++i) begins_of_tokens += "<\uff5cplace\u2581holder\u2581no\u2581";
  const std::string texts[] = {std::string(40'000, ' ') + "\u7684", std::string(100'000, 'a'),   std::string(100'000, '<'),
                               std::string(100'000, '\n') + "x",    std::string(50'000, '\x01'), begins_of_tokens};
  for (const char* name : {"tiny_v2", "tiny_v3"}) {
    const auto tokenizer = load_tokenizer(tokenizer_path(name));
    for (const std::string& text : texts) {
      const std::clock_t begin = std::clock();
      const Ids ids = tokenizer->encode(text, SpecialTokens::kAll);
      // A quadratic step takes tens of seconds. The bound leaves room for sanitizers and a busy machine.
      EXPECT_LT(std::clock() - begin, 3 * CLOCKS_PER_SEC) << name << " " << text.substr(0, 20);
      EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), text);
    }
  }
}

TEST(tokenizer, ByteTokenizerHasATokenPerByteAndTheSpecialTokens) {
  const auto tokenizer = make_byte_tokenizer();
  const std::string text = "Hi \u7684\n";
  const Ids ids = tokenizer->encode(text, SpecialTokens::kGrounding);
  ASSERT_EQ(ids.size(), text.size());
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], static_cast<uint8_t>(text[i]));
  EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), text);
  EXPECT_EQ(tokenizer->special_ids().bos, 256);
  EXPECT_EQ(tokenizer->special_ids().assistant, tokenizer->size() - 1);
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_EQ(tokenizer->token_bytes(26 * 4000), "a") << "past its size, where a larger vocabulary goes on";
  EXPECT_EQ(tokenizer->token_bytes(26 * 4000 + 25), "z");
}

}  // namespace
}  // namespace spyhop
