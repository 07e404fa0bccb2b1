#include "cli/verify_golden_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::TempDir;

const GoldenFamily& family_named(const GoldenSet& set, const std::string& name) {
  for (const GoldenFamily& family : set.families) {
    if (family.name == name) return family;
  }
  throw std::out_of_range(name);
}

GoldenCase case_named(const GoldenSet& set, const std::string& family_name, const std::string& name) {
  const GoldenFamily& family = family_named(set, family_name);
  for (const GoldenCaseEntry& entry : family.cases) {
    if (entry.name == name) return read_golden_case(set, family, entry);
  }
  throw std::out_of_range(name);
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(GoldenSet, ListsFamiliesImagesAndTables) {
  const GoldenSet set = read_golden_set(SPYHOP_TEST_DATA);
  ASSERT_EQ(set.families.size(), 3U);
  const GoldenFamily& base = family_named(set, "mini-base");
  EXPECT_EQ(base.checkpoint, "mini-base/checkpoint");
  EXPECT_EQ(base.cases.size(), 36U);
  EXPECT_EQ(base.dimensions.tile_tokens, 3);
  EXPECT_EQ(base.dimensions.special_ids.at("<image>"), 1767);
  EXPECT_THAT(set.tables, Contains("resize.json"));
  EXPECT_EQ(set.images.front().path, "images/anim_first_90x60.gif");
  EXPECT_EQ(set.images.front().bytes, 707);
}

TEST(GoldenSet, ReadsACaseWithItsTensors) {
  const GoldenCase golden = case_named(read_golden_set(SPYHOP_TEST_DATA), "mini-tiny", "img_square_small");
  EXPECT_EQ(golden.num_tokens, 437);
  ASSERT_EQ(golden.conversation.size(), 2U);
  EXPECT_EQ(golden.conversation[0].role, "<|User|>");
  EXPECT_EQ(golden.conversation[0].num_images, 1);
  EXPECT_EQ(golden.images, std::vector<std::string>{"images/sq_smooth_200.png"});
  EXPECT_EQ(golden.image_info.at(0).global.width, 384);
  EXPECT_EQ(golden.pixels_sha256.size(), 2U);
  EXPECT_EQ(golden.answer.greedy.size(), 24U);
  EXPECT_EQ(golden.answer.greedy_pen_all.at(7), 1179);
  EXPECT_FALSE(golden.answer.eos_index.has_value());
  const GoldenArray<int64_t> ids = golden.tensors.integers("input_ids");
  EXPECT_EQ(ids.shape, std::vector<int64_t>{437});
  EXPECT_EQ(ids.values.front(), 0);
  EXPECT_EQ(golden.tensors.floats("logits_last").values.size(), 2048U);
}

TEST(GoldenSet, ToleratesTensorsThatAreNotThere) {
  const GoldenCase golden = case_named(read_golden_set(SPYHOP_TEST_DATA), "mini-tiny", "text_whitespace");
  EXPECT_FALSE(golden.tensors.has("pixels"));
  EXPECT_THAT(message_of([&] { golden.tensors.floats("pixels"); }), HasSubstr("pixels"));
  EXPECT_THAT(message_of([&] { golden.tensors.floats("input_ids"); }), HasSubstr("must be F32"));
  EXPECT_THAT(message_of([&] { golden.tensors.integers("greedy_top8_logits"); }), HasSubstr("must be an integer"));
  EXPECT_TRUE(GoldenTensors().empty());
  EXPECT_THAT(message_of([] { GoldenTensors().floats("pixels"); }), HasSubstr("without tensors"));
}

TEST(GoldenSet, RefusesAFolderWithoutManifest) {
  const TempDir dir;
  EXPECT_THAT(message_of([&] { read_golden_set(dir.path()); }), HasSubstr("no manifest.json"));
}

TEST(GoldenSet, NamesTheFileOfAFieldThatIsMissing) {
  const TempDir dir;
  dir.write("manifest.json", R"({"families": {"mini": {"cases": []}}})");
  EXPECT_THAT(message_of([&] { read_golden_set(dir.path()); }), AllOf(HasSubstr("manifest.json"), HasSubstr("checkpoint")));
  dir.write("manifest.json", "{");
  EXPECT_THAT(message_of([&] { read_golden_set(dir.path()); }), HasSubstr("manifest.json"));
}

}  // namespace
}  // namespace spyhop
