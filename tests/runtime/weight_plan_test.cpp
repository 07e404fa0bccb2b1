#include "runtime/weight_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "golden_case.h"
#include "runtime/host_memory.h"
#include "runtime/thread_pool.h"
#include "runtime/vl_model.h"

namespace spyhop {
namespace {

const std::vector<std::string> kFamilies{"mini-tiny", "mini-small", "mini-base"};

ModelConfig real_config(const std::string& size) {
  return load_model_config(std::string(SPYHOP_TEST_DATA) + "/real_configs/" + size);
}

RuntimeConfig runtime_of(LoadFormat format, ComputeType compute, Quantization quantization = Quantization::kNone) {
  RuntimeConfig runtime;
  runtime.quantization = quantization;
  runtime.load_format = format;
  runtime.compute = compute;
  return runtime;
}

double billions(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

/// What loading a golden checkpoint allocates.
struct Loaded {
  int64_t kept = 0;
  int64_t peak = 0;
};

Loaded load(const std::string& family, const RuntimeConfig& runtime) {
  ThreadPool pool(1);
  const UsePool use_pool(pool);
  const std::string dir = testing::golden_checkpoint(family);
  const ModelConfig config = load_model_config(dir);
  const int64_t before = allocated_tensor_bytes();
  reset_allocated_tensor_peak();
  const VlModel model(load_weights(dir, config, runtime, nullptr), config);
  return {allocated_tensor_bytes() - before, allocated_tensor_peak() - before};
}

TEST(WeightPlan, IsWhatIsReallyAllocated) {
  for (const std::string& family : kFamilies) {
    const ModelConfig config = load_model_config(testing::golden_checkpoint(family));
    // Stored as bf16: in this type they would be parts of the file.
    for (const RuntimeConfig& runtime :
         {runtime_of(LoadFormat::kSafetensors, ComputeType::kF32), runtime_of(LoadFormat::kDummy, ComputeType::kBf16)}) {
      const WeightPlan plan = plan_weights(config, runtime);
      // The router's correction lies in plain memory, beside the tensors.
      int64_t beside = 0;
      for (const TensorSpec& spec : expected_tensors(config)) {
        if (spec.kind == WeightKind::kRouter && spec.shape.size() == 1) beside += 4 * spec.num_elements();
      }
      const Loaded loaded = load(family, runtime);
      EXPECT_EQ(plan.num_bytes() - beside, loaded.kept) << family;
      EXPECT_LE(loaded.peak, plan.num_bytes() + plan.largest_source) << family;
    }
  }
}

TEST(WeightPlan, HasTheParametersOfTheRealModels) {
  // The hubs' files in bf16 are 6.741, 32.297 and 54.960 GB, the tower's pooling head, which is never read, 30.5 MB of them.
  const RuntimeConfig runtime;
  EXPECT_NEAR(2 * billions(plan_weights(real_config("tiny"), runtime).num_parameters()), 6.741 - 0.0305, 0.001);
  EXPECT_NEAR(2 * billions(plan_weights(real_config("small"), runtime).num_parameters()), 32.297 - 0.0305, 0.001);
  EXPECT_NEAR(2 * billions(plan_weights(real_config("base"), runtime).num_parameters()), 54.960 - 0.0305, 0.001);
}

TEST(WeightPlan, KnowsWhatATokenReads) {
  const RuntimeConfig runtime;
  const auto read = [&runtime](const std::string& size) {
    const ModelConfig config = real_config(size);
    return billions(
        weight_bytes_per_step(config.language, plan_weights(config, runtime), config.language.num_experts_per_token));
  };
  EXPECT_NEAR(read("tiny"), 1.148, 0.010);
  EXPECT_NEAR(read("small"), 4.90, 0.02);
  EXPECT_NEAR(read("base"), 2 * 4.124, 0.04);
}

TEST(WeightPlan, SumsItsKinds) {
  const ModelConfig config = real_config("tiny");
  const WeightPlan plan = plan_weights(config, RuntimeConfig());
  int64_t sum = 0;
  for (const WeightKind kind : kWeightKinds) sum += plan.num_bytes(kind);
  EXPECT_EQ(sum, plan.num_bytes());
  const auto millions = [&plan](WeightKind kind) { return billions(plan.num_bytes(kind)) * 1000 / 2; };
  EXPECT_NEAR(millions(WeightKind::kAttention), 79, 1);
  EXPECT_NEAR(millions(WeightKind::kDenseMlp), 26, 1);
  EXPECT_NEAR(millions(WeightKind::kRoutedExperts) * 6 / 64, 227, 1);
  EXPECT_NEAR(millions(WeightKind::kSharedExperts), 76, 1);
  EXPECT_NEAR(millions(WeightKind::kLmHead), 165, 1);
  EXPECT_NEAR(millions(WeightKind::kEmbedding), 165, 1);
}

}  // namespace
}  // namespace spyhop
