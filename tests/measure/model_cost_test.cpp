#include "measure/model_cost.h"

#include <gtest/gtest.h>

#include "measure/linear_shapes.h"
#include "registry/registry.h"

namespace spyhop {
namespace {

ModelConfig registered(const char* size) {
  return registered_model_config("deepseek-vl2", size);
}

constexpr double kGiga = 1e9;

TEST(ModelCost, AShortPromptCostsTheActiveParametersOfEachToken) {
  // Counted by hand from the published dimensions, without the head: billions of operations per token.
  const auto per_token = [](const char* size) {
    const LanguageConfig config = registered(size).language;
    const double head = 2.0 * config.vocab_size * config.hidden_size;
    return (prefill_operations(config, 1) - head) / kGiga;
  };
  EXPECT_NEAR(per_token("tiny"), 0.82, 0.005);
  EXPECT_NEAR(per_token("small"), 4.48, 0.01);
  EXPECT_NEAR(per_token("base"), 7.59, 0.01);
}

TEST(ModelCost, AttentionGrowsWithThePairsThatSeeEachOther) {
  const LanguageConfig config = registered("tiny").language;
  // 12 layers, 10 heads of 128: product with the key and share of the value, a multiplication and an addition each.
  const double per_pair = 12.0 * 10 * 128 * 2 * 2;
  const double twice = prefill_operations(config, 200) - 2 * prefill_operations(config, 100);
  const double head = 2.0 * config.vocab_size * config.hidden_size;
  EXPECT_NEAR(twice, (200 * 201 / 2 - 2 * 100 * 101 / 2) * per_pair - head, 1);
  EXPECT_NEAR(prefill_operations(config, 512) / 512 / kGiga, 0.833, 0.005);
}

TEST(ModelCost, ATileCostsTheTowerAndTheProjector) {
  EXPECT_NEAR(tile_operations(registered("tiny")) / 1e12, 0.665, 0.01);
}

TEST(ModelCost, ATokenReadsTheActiveWeightsAndItsContext) {
  const ModelConfig config = registered("tiny");
  RuntimeConfig runtime;
  const DecodeTraffic alone{6, 0};
  EXPECT_NEAR(decode_bytes(config, runtime, alone) / kGiga, 1.148, 0.01);
  // Of each token in the cache 12 layers read a key and a value of 1280 bf16.
  const DecodeTraffic in_context{6, 4096};
  EXPECT_DOUBLE_EQ(decode_bytes(config, runtime, in_context) - decode_bytes(config, runtime, alone),
                   4096.0 * 12 * 2 * 1280 * 2);
  // An expert more in each of 11 layers: gate, up and down of 896 x 1280.
  EXPECT_NEAR(decode_bytes(config, runtime, {7, 0}) - decode_bytes(config, runtime, alone), 11.0 * 3 * 896 * 1280 * 2, 16);
}

TEST(ModelCost, TheShapesOfTheKernelsAreThoseOfTheModel) {
  const LanguageConfig tiny = registered("tiny").language;
  double parameters = 0;  // that a token is multiplied with: the layers as often as there are any
  for (const LinearShape& shape : linear_shapes(tiny)) {
    double each =
        static_cast<double>(shape.experts_per_row * shape.expert.in * shape.expert.out) * (shape.expert.is_gated ? 2 : 1);
    for (const MatrixShape& matrix : shape.matrices) {
      each += static_cast<double>(matrix.in * matrix.out) * (matrix.is_gated ? 2 : 1);
    }
    const bool is_expert = shape.num_experts > 0;
    const bool is_attention = shape.name.rfind("attention", 0) == 0;
    parameters += each * (is_expert ? 11 : is_attention ? 12 : 1);
  }
  const double routers = 11.0 * 64 * 1280;
  const double pair = 12.0 * 10 * 128 * 2 * 2;
  EXPECT_DOUBLE_EQ(2 * (parameters + routers) + pair, prefill_operations(tiny, 1));
}

}  // namespace
}  // namespace spyhop
