#include "runtime/kv_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "golden_case.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;

LanguageConfig multi_head() {
  return load_model_config(testing::golden_checkpoint("mini-tiny")).language;
}

constexpr int64_t kContext = 4096;

class KvPlan : public ::testing::Test {
 protected:
  KvPlan() {
    runtime_.kv_least_tokens = kContext;
    runtime_.kv_most_tokens = 8 * kContext;
  }

  int64_t bytes_per_token() const { return kv_bytes_per_token(language_, runtime_.compute); }
  int64_t plan(const MemoryLeft& memory) const {
    const KvCacheShape shape = plan_kv_cache(language_, runtime_, memory);
    return int64_t{shape.num_blocks} * shape.block_size;
  }
  std::string refusal(const MemoryLeft& memory) const {
    try {
      return std::to_string(plan(memory)) + " tokens";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
      return error.param() + ": " + error.what();
    }
  }
  /// Memory for so many tokens.
  MemoryLeft left(int64_t num_tokens) const { return {num_tokens * bytes_per_token(), num_tokens * bytes_per_token()}; }

  LanguageConfig language_ = multi_head();
  RuntimeConfig runtime_;
};

TEST_F(KvPlan, CountsTheBytesOfATokenOverAllLayersAndRowKinds) {
  const auto per_layer = [](const LanguageConfig& config) {
    return kv_bytes_per_token(config, ComputeType::kBf16) / 2 / config.num_layers;
  };
  EXPECT_EQ(per_layer(language_), int64_t{2} * language_.hidden_size);
  const LanguageConfig latent = load_model_config(testing::golden_checkpoint("mini-small")).language;
  EXPECT_EQ(per_layer(latent), latent.kv_lora_rank + latent.qk_rope_head_dim);
  EXPECT_EQ(kv_bytes_per_token(language_, ComputeType::kF32), 2 * kv_bytes_per_token(language_, ComputeType::kBf16));
}

TEST_F(KvPlan, TakesHalfOfWhatIsSpareByDefault) {
  EXPECT_EQ(plan(left(6 * kContext)), 3 * kContext);
}

TEST_F(KvPlan, TakesNoMoreThanIsUsefulByDefault) {
  EXPECT_EQ(plan(left(1000 * kContext)), 8 * kContext);
}

TEST_F(KvPlan, TakesOneContextAtLeastWhereItFits) {
  EXPECT_EQ(plan(left(kContext + 1)), kContext);
  EXPECT_THAT(refusal(left(kContext - 1)), HasSubstr("kv-cache-memory: the smallest KV cache: 4096 tokens take "));
}

TEST_F(KvPlan, LeavesRoomForMappedWeights) {
  MemoryLeft memory = left(100 * kContext);
  memory.spare = left(4 * kContext).spare;
  EXPECT_EQ(plan(memory), 2 * kContext);
  memory.spare = 0;
  EXPECT_EQ(plan(memory), kContext);
}

TEST_F(KvPlan, TakesWhatIsUsefulWhereTheMachineDoesNotTell) {
  EXPECT_EQ(plan({}), 8 * kContext);
}

TEST_F(KvPlan, TakesTheTokensThatItIsTold) {
  runtime_.kv_cache_tokens = 20 * kContext + 1;
  EXPECT_EQ(plan(left(30 * kContext)), 20 * kContext + 16) << "whole blocks";
  EXPECT_THAT(refusal(left(20 * kContext)), HasSubstr("kv-cache-tokens: kv_cache_tokens is 81921: 81921 tokens take "));
  runtime_.kv_cache_tokens = kContext - 1;
  EXPECT_THAT(refusal({}), HasSubstr("kv_cache_tokens is 4095: 4095 tokens; at least 4096 must fit"));
}

TEST_F(KvPlan, TakesTheMemoryThatItIsTold) {
  runtime_.kv_cache_bytes = 5 * kContext * bytes_per_token() + 16 * bytes_per_token() - 1;
  EXPECT_EQ(plan(left(30 * kContext)), 5 * kContext) << "whole blocks within the budget";
  EXPECT_THAT(refusal(left(5 * kContext - 1)), HasSubstr("available: "));
  runtime_.kv_cache_bytes = kContext * bytes_per_token() - 1;
  EXPECT_THAT(refusal({}), HasSubstr("4080 tokens; at least 4096 must fit"));
  runtime_.kv_cache_bytes = 1;
  EXPECT_THAT(refusal({}), HasSubstr("kv_cache_memory is 1: 0 tokens"));
}

TEST_F(KvPlan, RefusesMoreBlocksThanCanBeNumbered) {
  runtime_.kv_cache_tokens = int64_t{1} << 50;
  EXPECT_THAT(refusal({}), HasSubstr("kv_cache_tokens is 1125899906842624"));
}

}  // namespace
}  // namespace spyhop
