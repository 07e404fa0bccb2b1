#include "cli/verify_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::TempDir;

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome verify(const std::string& dir) {
  ::testing::internal::CaptureStdout();
  Outcome outcome;
  outcome.status = verify_checkpoint(dir);
  outcome.output = ::testing::internal::GetCapturedStdout();
  return outcome;
}

class BrokenCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& entry : std::filesystem::directory_iterator(checkpoint("mini-small"))) {
      std::filesystem::copy(entry.path(), dir_.file(entry.path().filename().string()));
    }
  }

  void edit(const std::string& file, const std::string& pointer, const json& value) {
    json document = json::parse(read_text_file(dir_.file(file), size_t{1} << 20));
    document[json::json_pointer(pointer)] = value;
    dir_.write(file, document.dump());
  }

  TempDir dir_;
};

TEST(VerifyCheckpoint, golden_checkpoints_hold) {
  const Outcome tiny = verify(checkpoint("mini-tiny"));
  EXPECT_EQ(tiny.status, 0) << tiny.output;
  EXPECT_THAT(tiny.output, HasSubstr("all 5 checks hold"));
  EXPECT_THAT(tiny.output, HasSubstr("234 of 234, 1.5 M parameters"));
  EXPECT_THAT(tiny.output, HasSubstr("bos 0, eos 1, pad 2, <image> 1967, <|User|> 1973, <|Assistant|> 1974"));
  EXPECT_THAT(tiny.output, HasSubstr("2048 rows for 1975 tokens"));
  EXPECT_EQ(verify(checkpoint("mini-small")).status, 0);
  const Outcome base = verify(checkpoint("mini-base"));
  EXPECT_EQ(base.status, 0) << base.output;
  EXPECT_THAT(base.output, HasSubstr("dtype F32"));
}

TEST_F(BrokenCheckpoint, every_check_says_what_fails) {
  edit("config.json", "/language_config/intermediate_size", 160);
  edit("config.json", "/language_config/vocab_size", 2000);
  const Outcome outcome = verify(dir_.path());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("configuration    ok"));
  EXPECT_THAT(outcome.output, HasSubstr("tensors          FAILED"));
  EXPECT_THAT(outcome.output, HasSubstr("layers.0.mlp.gate_proj.weight\": shape = [168, 80]; allowed: [160, 80]"));
  EXPECT_THAT(outcome.output, HasSubstr("language.lm_head.weight\": shape = [2112, 80]; allowed: [2000, 80]"));
  EXPECT_THAT(outcome.output, HasSubstr("language_config.vocab_size = 2000; allowed: at least the tokenizer's 2054"));
  EXPECT_THAT(outcome.output, HasSubstr("2 of 5 checks failed"));
}

TEST_F(BrokenCheckpoint, checks_that_need_a_failed_one_are_skipped) {
  edit("config.json", "/tile_tag", "1D");
  std::filesystem::remove(dir_.file("model-00002-of-000003.safetensors"));
  std::filesystem::remove(dir_.file("tokenizer.json"));
  const Outcome outcome = verify(dir_.path());
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("config.json: tile_tag = \"1D\"; allowed: \"2D\""));
  EXPECT_THAT(outcome.output, HasSubstr("model-00002-of-000003.safetensors: no such file"));
  EXPECT_THAT(outcome.output, HasSubstr("skipped: needs the configuration"));
  EXPECT_THAT(outcome.output, HasSubstr("5 of 5 checks failed"));
}

TEST(VerifyCheckpoint, a_folder_that_is_not_there_fails) {
  const Outcome outcome = verify("/no/such/folder");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("/no/such/folder: no such folder"));
}

}  // namespace
}  // namespace spyhop
