#include "cli/verify_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

std::string fixture(const std::string& name) {
  return std::string(SPYHOP_TEST_DATA) + "/tokenizer/" + name;
}

struct Outcome {
  int status;
  std::string table;
};

Outcome verify(const std::string& path, const std::string& cases_folder) {
  ::testing::internal::CaptureStdout();
  const int status = verify_tokenizer(path, cases_folder);
  return {status, ::testing::internal::GetCapturedStdout()};
}

TEST(verify_tokenizer, HoldsForATokenizerAndItsOwnCases) {
  for (const char* name : {"tiny_v2", "tiny_v3"}) {
    const Outcome outcome = verify(fixture(name), fixture(name));
    EXPECT_EQ(outcome.status, 0) << outcome.table;
    for (const char* kind : {"conv", "decode", "encode", "pretok", "stream"}) {
      EXPECT_THAT(outcome.table, ::testing::HasSubstr(kind));
    }
  }
}

TEST(verify_tokenizer, TakesAFileForTheTokenizer) {
  EXPECT_EQ(verify(fixture("tiny_v2/tokenizer_with_vl2.json.gz"), fixture("tiny_v2")).status, 0);
}

TEST(verify_tokenizer, FailsForTheCasesOfAnotherTokenizerAndNamesTheFirst) {
  const Outcome outcome = verify(fixture("tiny_v3"), fixture("tiny_v2"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.table, ::testing::ContainsRegex("encode.jsonl.gz +[0-9]+ +[1-9][0-9]* +id [0-9]+: ids"));
}

TEST(verify_tokenizer, ReadsPlainFilesToo) {
  const testing::TempDir folder;
  folder.write("decode.jsonl", R"({"id": 7, "ids": [], "dec": "", "dec_skip": ""})");
  EXPECT_EQ(verify(fixture("tiny_v3"), folder.path()).status, 0);
  folder.write("decode.jsonl", R"({"id": 7, "ids": [], "dec": "x", "dec_skip": ""})");
  EXPECT_THAT(verify(fixture("tiny_v3"), folder.path()).table, ::testing::HasSubstr("id 7: dec"));
}

TEST(verify_tokenizer, AFolderWithoutCasesIsAFailure) {
  const testing::TempDir folder;
  EXPECT_EQ(verify(fixture("tiny_v3"), folder.path()).status, 1);
  EXPECT_THROW(verify_tokenizer(fixture("tiny_v3"), folder.file("missing")), Error);
}

TEST(verify_tokenizer, ALineThatIsNoCaseIsAnError) {
  const testing::TempDir folder;
  for (const char* line : {"{", "[]", R"({"id": 1})", R"({"id": 1, "ids": "x", "dec": "", "dec_skip": ""})"}) {
    folder.write("decode.jsonl", line);
    EXPECT_THROW(verify_tokenizer(fixture("tiny_v3"), folder.path()), Error) << line;
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(verify_tokenizer, HoldsForSentencePieceModelsOfTheirCases) {
  const Outcome outcome = verify(fixture("spm"), fixture("spm"));
  EXPECT_EQ(outcome.status, 0) << outcome.table;
  EXPECT_THAT(outcome.table, ::testing::HasSubstr("bpe.hf_llama"));
  EXPECT_THAT(outcome.table, ::testing::HasSubstr("bpe.encode"));
}
#endif

}  // namespace
}  // namespace spyhop
