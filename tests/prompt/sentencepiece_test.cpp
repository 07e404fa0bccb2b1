#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "conformance_cases.h"
#include "prompt/detokenizer.h"
#include "prompt/llama_tokenizer.h"
#include "prompt/sentencepiece_model.h"
#include "prompt/sentencepiece_tokenizer.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Ids = std::vector<int32_t>;
using nlohmann::json;

std::string fixture(const std::string& name) {
  return gunzip(golden_file("tokenizer/spm/" + name + ".gz"), size_t{64} << 20, name);
}

bool contains_any(const std::string& text, const std::vector<std::string>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](const std::string& part) { return text.find(part) != std::string::npos; });
}

class sentencepiece : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "builds with sanitizers have no plug-in";
#endif
  }

  static std::string bytes_of(const std::string& name) {
    return fixture(name + ".model");
  }
  static SentencePieceModel model(const std::string& name) {
    return {bytes_of(name), name + ".model"};
  }
  static std::unique_ptr<Tokenizer> tokenizer() {
    return load_tokenizer(tokenizer_path("spm/bpe.model.gz"));
  }
};

TEST_F(sentencepiece, TheModelEncodesAndDecodesEveryRecordedText) {
  const SentencePieceModel model = sentencepiece::model("bpe");
  for (const json& item : conformance_cases("spm/bpe.encode")) {
    EXPECT_EQ(model.encode(item.at("text").get<std::string>()), item.at("ids").get<Ids>()) << item.at("id");
    EXPECT_EQ(model.decode(item.at("ids").get<Ids>()), item.at("dec").get<std::string>()) << item.at("id");
  }
  for (const json& item : conformance_cases("spm/bpe.decode")) {
    EXPECT_EQ(model.decode(item.at("ids").get<Ids>()), item.at("dec").get<std::string>()) << item.at("id");
  }
}

TEST_F(sentencepiece, TokenizerAgreesWithTheLegacyTokenizerOfTransformers) {
  const auto tokenizer = sentencepiece::tokenizer();
  int num_compared = 0;
  for (const json& item : conformance_cases("spm/bpe.hf_llama")) {
    const auto text = item.at("text").get<std::string>();
    // Tokens that one of the two has and the other has not.
    if (contains_any(text, {"<unk>", "ref|>", "det|>", "<|grounding|>", "<|Assistant|>", "pad"})) continue;
    EXPECT_EQ(tokenizer->encode(text, SpecialTokens::kAll), item.at("hf_legacy_ids").get<Ids>()) << item.at("id");
    ++num_compared;
  }
  EXPECT_GT(num_compared, 50);
}

TEST_F(sentencepiece, MissingTokensFollowThePiecesInTheOrderOfTheReference) {
  const auto tokenizer = sentencepiece::tokenizer();
  const int32_t num_pieces = model("bpe").size();
  const SpecialIds& ids = tokenizer->special_ids();
  EXPECT_EQ(ids.bos, 1);
  EXPECT_EQ(ids.eos, 2);
  EXPECT_EQ(ids.image, 3);
  EXPECT_EQ(ids.user, 4);
  EXPECT_EQ(ids.pad, num_pieces);
  EXPECT_EQ(tokenizer->id_of("<|ref|>"), num_pieces + 1);
  EXPECT_EQ(tokenizer->id_of("<|grounding|>"), num_pieces + 5);
  EXPECT_EQ(ids.assistant, num_pieces + 6);
  EXPECT_EQ(tokenizer->size(), num_pieces + 7);
}

TEST_F(sentencepiece, TextOfARequestDoesNotBecomeUserDefinedPieces) {
  const auto tokenizer = sentencepiece::tokenizer();
  const std::string text = "a <image> b <|User|>: c</s><|ref|>d<|/ref|>";
  const Ids trusted = tokenizer->encode(text, SpecialTokens::kAll);
  const Ids untrusted = tokenizer->encode(text, SpecialTokens::kGrounding);
  const SpecialIds& ids = tokenizer->special_ids();
  for (const int32_t id : {ids.image, ids.user, ids.eos}) {
    EXPECT_THAT(trusted, testing::Contains(id));
    EXPECT_THAT(untrusted, testing::Not(testing::Contains(id)));
  }
  EXPECT_THAT(untrusted, testing::Contains(*tokenizer->id_of("<|ref|>")));
  EXPECT_THAT(tokenizer->encode(text, SpecialTokens::kNone), testing::Not(testing::Contains(*tokenizer->id_of("<|ref|>"))));
  EXPECT_EQ(tokenizer->decode(untrusted, /*skip_special=*/false), text);
}

TEST_F(sentencepiece, StreamedTextEqualsDecodedText) {
  const auto tokenizer = sentencepiece::tokenizer();
  const std::string text = "The giraffe \u7684 \U0001F992 at the back";
  const Ids ids = tokenizer->encode(text, SpecialTokens::kAll);
  Detokenizer detokenizer(*tokenizer, /*skip_special=*/false);
  std::string streamed;
  for (const int32_t id : ids) streamed += detokenizer.push(id);
  EXPECT_EQ(streamed + detokenizer.finish(), text);
  EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/false), text);
}

TEST_F(sentencepiece, IdsWithoutATokenAreDropped) {
  const auto tokenizer = sentencepiece::tokenizer();
  EXPECT_EQ(tokenizer->decode({-1, tokenizer->size(), 1 << 30}, /*skip_special=*/false), "");
  EXPECT_EQ(tokenizer->token_bytes(tokenizer->size()), "");
}

TEST_F(sentencepiece, InvalidUtf8CountsAsReplacementCharacters) {
  const auto tokenizer = sentencepiece::tokenizer();
  EXPECT_EQ(tokenizer->encode("a\xE4\xBDz", SpecialTokens::kAll), tokenizer->encode("a\ufffdz", SpecialTokens::kAll));
}

TEST_F(sentencepiece, DamagedModelsAreErrors) {
  EXPECT_THROW(SentencePieceModel("", "empty.model"), Error);
  EXPECT_THROW(SentencePieceModel("no protocol buffer", "text.model"), Error);
  const std::string bytes = bytes_of("bpe");
  EXPECT_THROW(SentencePieceModel(bytes.substr(0, bytes.size() / 2), "half.model"), Error);
}

TEST(sentencepiece_proto, HidesOnlyUserDefinedPiecesThatAreAskedFor) {
  const std::string bytes = fixture("bpe.model");
  const auto is_image = [](std::string_view piece) { return piece == "<image>"; };
  const std::string hidden = hide_user_defined_pieces(bytes, is_image, "bpe.model");
  int num_changed = 0;
  for (size_t i = 0; i < bytes.size(); ++i) num_changed += hidden[i] != bytes[i];
  EXPECT_EQ(hidden.size(), bytes.size());
  EXPECT_EQ(num_changed, 1);
  EXPECT_EQ(hide_user_defined_pieces(
                bytes, [](std::string_view piece) { return piece == "<s>"; }, "bpe.model"),
            bytes);
}

TEST(sentencepiece_proto, DamagedBytesAreErrorsOrRead) {
  const std::string bytes = fixture("bpe.model");
  std::mt19937 random(7);
  const auto is_hidden = [](std::string_view) { return true; };
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes.substr(0, random() % bytes.size());
    if (!damaged.empty()) damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      EXPECT_EQ(hide_user_defined_pieces(damaged, is_hidden, "damaged.model").size(), damaged.size());
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("damaged.model"));
    }
  }
}

class LlamaVersion : public testing::TestWithParam<const char*> {};

TEST_P(LlamaVersion, EncodesAndDecodesEveryRecordedText) {
  const std::string version = GetParam();
  const std::string file = "bpe_hf_" + version + ".json";
  const LlamaTokenizer tokenizer(parse_tokenizer_json(fixture(file), file), SpecialIds{}, file);
  for (const json& item : conformance_cases("spm/bpe.hf_llama")) {
    const Ids ids = tokenizer.encode(item.at("text").get<std::string>(), SpecialTokens::kAll);
    EXPECT_EQ(ids, item.at("hf_" + version + "_ids").get<Ids>()) << item.at("id");
    EXPECT_EQ(tokenizer.decode(ids, /*skip_special=*/false), item.at("hf_" + version + "_dec").get<std::string>());
  }
}

INSTANTIATE_TEST_SUITE_P(llama, LlamaVersion, testing::Values("legacy", "nonlegacy"));

}  // namespace
}  // namespace spyhop
