#include "prompt/pre_tokenizer.h"

#include <gtest/gtest.h>

#include "conformance_cases.h"

namespace spyhop {
namespace {

std::vector<std::string> pieces(PreTokenizerKind kind, const std::string& text) {
  std::vector<std::string> result;
  uint32_t begin = 0;
  for (const uint32_t end : make_pre_tokenizer(kind)->piece_ends(text)) {
    result.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

using Pieces = std::vector<std::string>;

void expect_recorded_pieces(PreTokenizerKind kind, const std::string& cases) {
  const auto pre_tokenizer = make_pre_tokenizer(kind);
  for (const nlohmann::json& item : conformance_cases(cases)) {
    auto ends = item.at("lens").get<std::vector<uint32_t>>();
    for (size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    EXPECT_EQ(pre_tokenizer->piece_ends(item.at("text").get<std::string>()), ends) << item.dump();
  }
}

TEST(pretokenizer, CutsAllRecordedTextsOfV2) {
  expect_recorded_pieces(PreTokenizerKind::kV2, "tiny_v2/pretok");
}

TEST(pretokenizer, CutsAllRecordedTextsOfV3) {
  expect_recorded_pieces(PreTokenizerKind::kV3, "tiny_v3/pretok");
}

TEST(pretokenizer, AnEmptyTextHasNoPieces) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV2, ""), Pieces{});
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, ""), Pieces{});
}

TEST(pretokenizer, V3CutsNumbersInThreesFromTheLeft) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, "12345"), (Pieces{"123", "45"}));
}

TEST(pretokenizer, V2CutsEveryDigitOfAnyScript) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV2, "12\u0663\u00bd"), (Pieces{"1", "2", "\u0663", "\u00bd"}));
}

TEST(pretokenizer, V2TakesNumbersOfUnicode17WhereV3TakesThoseOf16) {
  const std::string number = "\U00011DE0";  // TOLONG SIKI DIGIT ZERO, new in 17
  EXPECT_EQ(pieces(PreTokenizerKind::kV2, number + number), (Pieces{number, number}));
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, number + number), (Pieces{number + number}));
}

TEST(pretokenizer, V3GivesTheLastSpaceOfARunToTheNextWord) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, "a   b"), (Pieces{"a", "  ", " b"}));
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, "a   5"), (Pieces{"a", "   ", "5"}));
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, "a \n  b"), (Pieces{"a", " \n", " ", " b"}));
}

TEST(pretokenizer, V3CutsPunctuationWithinARunOfJapanese) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV3, "\u30d4\u30a2\u30ce\u30fb\u30d4"),
            (Pieces{"\u30d4\u30a2\u30ce", "\u30fb", "\u30d4"}));
}

TEST(pretokenizer, V2CutsRunsOfCjkOutOfWords) {
  EXPECT_EQ(pieces(PreTokenizerKind::kV2, "ab\u7684c"), (Pieces{"ab", "\u7684", "c"}));
  // U+212A KELVIN SIGN is a letter of the list and in the CJK range, which reaches down to U+0800.
  EXPECT_EQ(pieces(PreTokenizerKind::kV2, "\u00e9\u212a\u00e9"), (Pieces{"\u00e9", "\u212a", "\u00e9"}));
}

}  // namespace
}  // namespace spyhop
