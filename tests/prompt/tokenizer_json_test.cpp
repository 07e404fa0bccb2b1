#include "prompt/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <random>

#include "conformance_cases.h"
#include "prompt/byte_alphabet.h"
#include "prompt/special_tokens.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A whole tokenizer.json with a token per byte and one merge.
json small_document() {
  json document = {{"version", "1.0"},
                   {"added_tokens", json::array()},
                   {"normalizer", {{"type", "Sequence"}, {"normalizers", json::array()}}},
                   {"decoder", {{"type", "ByteLevel"}}},
                   {"model", {{"type", "BPE"}, {"vocab", json::object()}, {"merges", {"a b"}}}}};
  json steps = json::array();
  for (const std::string& pattern : split_patterns(PreTokenizerKind::kV3)) {
    steps.push_back({{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}});
  document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", steps}};
  for (int byte = 0; byte < 256; ++byte) {
    document["model"]["vocab"][byte_to_character(static_cast<unsigned char>(byte))] = byte;
  }
  document["model"]["vocab"]["ab"] = 256;
  int id = 257;
  for (const std::string_view token : {kBosToken, kEosToken}) {
    document["added_tokens"].push_back({{"id", id++},
                                        {"content", token},
                                        {"single_word", false},
                                        {"lstrip", false},
                                        {"rstrip", false},
                                        {"normalized", false},
                                        {"special", true}});
  }
  return document;
}

class tokenizer_json : public ::testing::Test {
 protected:
  std::unique_ptr<Tokenizer> load(const std::string& text) {
    folder_.write("tokenizer.json", text);
    return load_tokenizer(folder_.path());
  }

  /// What loading a changed document says.
  std::string message_after(const std::function<void(json&)>& change) {
    json document = small_document();
    change(document);
    try {
      load(document.dump());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
      EXPECT_THAT(error.what(), HasSubstr(folder_.path()));
      return error.what();
    }
    return "no error";
  }

  testing::TempDir folder_;
};

TEST_F(tokenizer_json, ReadsTheSmallDocument) {
  const auto tokenizer = load(small_document().dump());
  EXPECT_EQ(tokenizer->encode("abc", SpecialTokens::kAll), (std::vector<int32_t>{256, 'c'}));
  EXPECT_EQ(tokenizer->special_ids().image, 260);
}

TEST_F(tokenizer_json, ReadsMergesAsStringsAndAsPairs) {
  json document = small_document();
  document["model"]["merges"] = {{"a", "b"}};
  document["model"]["merges"] = json::array({json::array({"a", "b"})});
  EXPECT_EQ(load(document.dump())->encode("ab", SpecialTokens::kAll), (std::vector<int32_t>{256}));
}

TEST_F(tokenizer_json, NamesFieldValueAndWhatIsAllowed) {
  const auto set = [](const char* pointer, json value) {
    return [pointer, value](json& document) { document[json::json_pointer(pointer)] = value; };
  };
  struct Case {
    std::function<void(json&)> change;
    const char* message;
  };
  const Case cases[] = {
      {set("/model/type", "Unigram"), "model.type is \"Unigram\"; allowed: \"BPE\""},
      {set("/model", 7), "model is 7; allowed: an object"},
      {set("/model/dropout", 0.1), "model.dropout is 0.1; allowed: null"},
      {set("/model/unk_token", "<unk>"), "model.unk_token is \"<unk>\"; allowed: null"},
      {set("/model/ignore_merges", true), "model.ignore_merges is true; allowed: false"},
      {set("/model/continuing_subword_prefix", "##"), "model.continuing_subword_prefix is \"##\""},
      {set("/model/byte_fallback", "yes"), "model.byte_fallback is \"yes\"; allowed: true or false"},
      {set("/model/vocab", json::array()), "model.vocab is an array of 0; allowed: an object"},
      {set("/model/vocab/ab", 255), "is 255; allowed: an id that no other token has"},
      {set("/model/vocab/ab", -1), "model.vocab.ab is -1; allowed: an integer from 0 to"},
      {set("/model/vocab/ab", 1.5), "model.vocab.ab is 1.5; allowed: an integer"},
      {set("/model/vocab/ab", 18446744073709551615u), "model.vocab.ab is 18446744073709551615; allowed: an integer"},
      {set("/model/merges", "a b"), "model.merges is \"a b\"; allowed: an array"},
      {set("/model/merges/0", "a b c"), "model.merges[0] is \"a b c\"; allowed: two tokens"},
      {set("/model/merges/0", json::array({"a"})), "model.merges[0] is an array of 1; allowed: two tokens"},
      {set("/model/merges/0", "a xyz"), "model.merges[0] needs the token \"xyz\", which model.vocab lacks"},
      {set("/model/merges/0", "b a"), "model.merges[0] needs the token \"ba\", which model.vocab lacks"},
      {set("/model/merges", {"a b", "a b"}), "model.merges names a pair of tokens twice"},
      {set("/normalizer", {{"type", "NFC"}}), "normalizer.type is \"NFC\"; allowed: \"Sequence\""},
      {set("/normalizer/normalizers", {{{"type", "NFC"}}}), "normalizer.normalizers is an array of 1; allowed: an empty list"},
      {set("/decoder/type", "WordPiece"), "decoder.type is \"WordPiece\"; allowed: \"ByteLevel\""},
      {set("/decoder", nullptr), "decoder is null; allowed: an object"},
      {set("/pre_tokenizer", nullptr), "pre_tokenizer is null; allowed: a sequence of steps"},
      {set("/pre_tokenizer/type", "Metaspace"), "pre_tokenizer is Metaspace; allowed: the sequence of DeepSeek-V2"},
      {set("/added_tokens/0/id", 258), "added_tokens[1].id is 258; allowed: an id that no other token has"},
      {set("/added_tokens/0/id", 3), "added_tokens[0].id is 3; allowed: an id that no other token has"},
      {set("/added_tokens/0/content", "ab"), "added_tokens[0].id is 257; allowed: the id of that token in model.vocab, 256"},
      {set("/added_tokens/0/content", ""), "added_tokens[0].content is \"\"; allowed: 1 to 1024 bytes"},
      {set("/added_tokens/0/content", std::string(1025, 'x')), "added_tokens[0].content is"},
      {set("/added_tokens/1/content", kBosToken), "allowed: a token that is not added twice"},
      {set("/added_tokens/0/lstrip", true), "added_tokens[0].lstrip is true; allowed: false"},
      {set("/added_tokens/0/special", 1), "added_tokens[0].special is 1; allowed: true or false"},
      {set("/added_tokens/0/content", "<s>"), "the beginning-of-sentence token"},
  };
  for (const Case& item : cases) EXPECT_THAT(message_after(item.change), HasSubstr(item.message));
}

TEST_F(tokenizer_json, NamesTheStepsOfAnUnknownPreTokenizer) {
  const std::string message = message_after([](json& document) {
    document["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "\\d+";
    document["pre_tokenizer"]["pretokenizers"][1] = {{"type", "Whitespace"}};
  });
  EXPECT_THAT(message, HasSubstr("pre_tokenizer is the sequence [Split"));
  EXPECT_THAT(message, HasSubstr("d+"));
  EXPECT_THAT(message, HasSubstr("Whitespace"));
}

TEST_F(tokenizer_json, EveryChangeOfAStepMakesThePreTokenizerUnknown) {
  for (const json& change :
       {json{{"behavior", "Removed"}}, json{{"invert", true}}, json{{"type", "Other"}}, json{{"more", 1}}}) {
    const std::string message = message_after([&](json& document) {
      for (const auto& [key, value] : change.items()) document["pre_tokenizer"]["pretokenizers"][1][key] = value;
    });
    EXPECT_THAT(message, HasSubstr("pre_tokenizer is the sequence")) << change;
  }
}

TEST_F(tokenizer_json, AMissingByteIsNamed) {
  EXPECT_THAT(message_after([](json& document) {
                document["model"]["vocab"].erase("q");
                document["model"]["vocab"]["unused"] = 'q';
              }),
              HasSubstr("no token for the byte 113"));
}

TEST_F(tokenizer_json, MergesMustNotYieldASpecialToken) {
  EXPECT_THAT(message_after([](json& document) {
                document["model"]["vocab"]["<image>"] = 257;
                document["model"]["vocab"]["<imag"] = 258;
                document["model"]["vocab"]["e>"] = 259;
                document["added_tokens"][0]["id"] = 260;
                document["added_tokens"][1]["id"] = 261;
                document["model"]["merges"] = {"<imag e>"};
              }),
              HasSubstr("model.merges yield the special token with id 257"));
}

TEST_F(tokenizer_json, TakesSpecialTokensFromTheConfigurationInBothForms) {
  json document = small_document();
  document["added_tokens"][0]["content"] = "<s>";
  document["added_tokens"][1]["content"] = "</s>";
  folder_.write("tokenizer_config.json", R"({"bos_token": "<s>", "pad_token": null})");
  folder_.write("special_tokens_map.json", R"({"bos_token": "no", "eos_token": {"content": "</s>", "lstrip": false}})");
  const auto tokenizer = load(document.dump());
  EXPECT_EQ(tokenizer->special_ids().bos, 257);
  EXPECT_EQ(tokenizer->special_ids().eos, 258);
  EXPECT_EQ(tokenizer->special_ids().pad, 259);
}

TEST_F(tokenizer_json, APadTokenOfTheConfigurationIsNotAdded) {
  folder_.write("tokenizer_config.json", json{{"pad_token", {{"content", kEosToken}}}}.dump());
  const auto tokenizer = load(small_document().dump());
  EXPECT_EQ(tokenizer->special_ids().pad, 258);
  EXPECT_EQ(tokenizer->special_ids().image, 259);
}

TEST_F(tokenizer_json, AMalformedConfigurationIsNamed) {
  for (const char* text : {"{", "[]", R"({"bos_token": 5})", R"({"eos_token": {"lstrip": true}})"}) {
    folder_.write("tokenizer_config.json", text);
    EXPECT_THAT(message_after([](json&) {}), HasSubstr("tokenizer_config.json")) << text;
  }
}

TEST_F(tokenizer_json, ATokenThatExistsKeepsItsIdAndBecomesSpecial) {
  json document = small_document();
  document["model"]["vocab"]["<|User|>"] = 257;
  document["added_tokens"][0]["id"] = 258;
  document["added_tokens"][1]["id"] = 259;
  const auto tokenizer = load(document.dump());
  EXPECT_EQ(tokenizer->special_ids().user, 257);
  EXPECT_TRUE(tokenizer->is_special(257));
  EXPECT_EQ(tokenizer->encode("<|User|>", SpecialTokens::kAll), (std::vector<int32_t>{257}));
}

TEST_F(tokenizer_json, TheLongestOfTheAddedTokensThatBeginTogetherWins) {
  json document = small_document();
  json longer = document["added_tokens"][0];
  longer["id"] = 259;
  longer["content"] = "<image><image>";
  document["added_tokens"].push_back(longer);
  const auto tokenizer = load(document.dump());
  const int32_t image = tokenizer->special_ids().image;
  EXPECT_EQ(tokenizer->encode("<image><image><image>", SpecialTokens::kAll), (std::vector<int32_t>{259, image}));
}

TEST_F(tokenizer_json, TokensThatAreNotNormalizedGoFirst) {
  json document = small_document();
  json later = document["added_tokens"][0];
  later["id"] = 259;
  later["content"] = "x<imag";
  later["normalized"] = true;
  document["added_tokens"].push_back(later);
  const auto tokenizer = load(document.dump());
  EXPECT_THAT(tokenizer->encode("x<image>", SpecialTokens::kAll), ::testing::Contains(tokenizer->special_ids().image));
}

TEST_F(tokenizer_json, DeepNestingIsAnError) {
  std::string text = "{\"pre_tokenizer\":";
  for (int i = 0; i < 200'000; ++i) text += "{\"pretokenizers\":[";
  EXPECT_THROW(load(text), Error);
}

TEST_F(tokenizer_json, DamagedFilesAreErrorsOrLoad) {
  const std::string whole = small_document().dump();
  std::mt19937 random(11);
  for (int i = 0; i < 600; ++i) {
    std::string damaged = i % 3 == 0 ? whole.substr(0, random() % whole.size()) : whole;
    for (unsigned left = random() % 4; left > 0 && !damaged.empty(); --left) {
      damaged[random() % damaged.size()] =
          static_cast<char>(random() % 3 == 0 ? random() : "0123456789\"{}[],:ab"[random() % 19]);
    }
    try {
      const auto tokenizer = load(damaged);
      tokenizer->decode(tokenizer->encode("some <image> text", SpecialTokens::kAll), /*skip_special=*/false);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelLoad) << error.what();
    }
  }
}

TEST_F(tokenizer_json, AFolderWithoutATokenizerIsAnError) {
  EXPECT_THROW(load_tokenizer(folder_.path()), Error);
  EXPECT_THROW(load_tokenizer(folder_.file("missing")), Error);
}

TEST_F(tokenizer_json, DamagedGzipIsAnError) {
  const std::string bytes = golden_file("tokenizer/tiny_v3/tokenizer.json.gz");
  folder_.write("tokenizer.json.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_THROW(load_tokenizer(folder_.path()), Error);
}

}  // namespace
}  // namespace spyhop
