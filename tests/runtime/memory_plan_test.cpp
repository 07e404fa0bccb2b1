#include "runtime/memory_plan.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>

#include "golden_case.h"
#include "runtime/activation_plan.h"
#include "runtime/kv_plan.h"
#include "runtime/runner.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kGibibyte = int64_t{1} << 30;

ModelConfig real_config(const std::string& size) {
  return load_model_config(std::string(SPYHOP_TEST_DATA) + "/real_configs/" + size);
}

double gigabytes(int64_t bytes) {
  return static_cast<double>(bytes) / 1e9;
}

EngineConfig quantized(Quantization quantization) {
  EngineConfig config;
  config.runtime.num_threads = 2;
  config.runtime.quantization = quantization;
  return config;
}

/// Counts what ATen's operations allocate on the thread that it watches.
class AllocationWatch : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, int64_t, int64_t, c10::Device) override {
    now_ += bytes;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t peak() const { return peak_; }

 private:
  int64_t now_ = 0;
  int64_t peak_ = 0;
};

template <typename F>
int64_t peak_of(const F& f) {
  const auto watch = std::make_shared<AllocationWatch>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, watch);
  f();
  return watch->peak();
}

/// A prompt of so many tokens as one step.
SequenceChunk chunk_of(int num_tokens, const Runner& runner) {
  SequenceChunk chunk;
  for (int i = 0; i < num_tokens; ++i) chunk.token_ids.push_back(i % runner.config().language.vocab_size);
  chunk.block_table.resize(static_cast<size_t>((num_tokens - 1) / runner.kv_block_size() + 1));
  std::iota(chunk.block_table.begin(), chunk.block_table.end(), 0);
  return chunk;
}

std::string refusal(const ModelConfig& model, const EngineConfig& config, int64_t available) {
  try {
    require_fit(plan_memory(model, config, available), model, config, available);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
    return error.what();
  }
  return "it fits";
}

struct PlannedStep {
  ComputeType compute;
  Quantization quantization;
};

TEST(ActivationPlan, IsAnUpperBoundOfWhatAStepAllocates) {
  for (const std::string family : {"mini-tiny", "mini-small", "mini-base"}) {
    for (const PlannedStep& planned :
         {PlannedStep{ComputeType::kBf16, Quantization::kNone}, PlannedStep{ComputeType::kF32, Quantization::kNone},
          PlannedStep{ComputeType::kBf16, Quantization::kInt4}}) {
      RuntimeConfig runtime;
      runtime.compute = planned.compute;
      runtime.quantization = planned.quantization;
      runtime.num_threads = 1;
      runtime.kv_cache_tokens = 512;
      const std::string dir = testing::golden_checkpoint(family);
      const ModelConfig config = load_model_config(dir);
      const auto runner = make_runner(dir, config, runtime);
      const SequenceChunk chunk = chunk_of(512, *runner);
      const StepShape shape{512, 1, 512, 1, planned.quantization != Quantization::kNone};
      const int64_t language = language_activation_bytes(config.language, planned.compute, shape);
      const int64_t step = peak_of([&] { runner->run({chunk}); });
      EXPECT_LE(step, language) << family;
      EXPECT_GE(2 * step, language) << family;

      const int side = config.vision.image_size;
      const int64_t tile = peak_of([&] { runner->encode_tiles(at::zeros({1, 3, side, side})); });
      const int64_t vision = vision_activation_bytes(config, planned.compute, 1, 1);
      EXPECT_LE(tile, vision) << family;
      EXPECT_GE(2 * tile, vision) << family;
    }
  }
}

TEST(MemoryPlan, HasTheWeightsOfTheThreeSizes) {
  const auto weights = [](const std::string& size, Quantization quantization) {
    return gigabytes(plan_memory(real_config(size), quantized(quantization), 0).weights.num_bytes());
  };
  EXPECT_NEAR(weights("tiny", Quantization::kNone), 6.71, 0.02);
  EXPECT_NEAR(weights("small", Quantization::kNone), 32.27, 0.03);
  EXPECT_NEAR(weights("base", Quantization::kNone), 54.93, 0.05);
  EXPECT_NEAR(weights("small", Quantization::kInt8), 32.27 * 8.25 / 16 + 0.75, 0.2);
  EXPECT_NEAR(weights("base", Quantization::kInt4), 54.93 * 4.25 / 16 + 1.3, 0.3);
}

TEST(MemoryPlan, HasTheKvCacheOfTheThreeSizes) {
  const EngineConfig config = quantized(Quantization::kNone);
  EXPECT_EQ(plan_memory(real_config("tiny"), config, 0).kv_bytes_per_token, 61440);
  EXPECT_EQ(plan_memory(real_config("small"), config, 0).kv_bytes_per_token, 31104);
  const MemoryPlan base = plan_memory(real_config("base"), config, 0);
  EXPECT_EQ(base.kv_bytes_per_token, 34560);
  EXPECT_EQ(base.kv_bytes_per_context(), int64_t{34560} * 4096);
  EXPECT_EQ(base.kv_tokens, 8 * 4096) << "all answers at their longest where the machine does not tell";
}

TEST(MemoryPlan, TellsWhatFitsAMachineOf24GiB) {
  const int64_t available = 23 * kGibibyte;
  const auto fits = [&](const std::string& size, Quantization quantization) {
    return plan_memory(real_config(size), quantized(quantization), available).total() <= available;
  };
  EXPECT_TRUE(fits("tiny", Quantization::kNone));
  EXPECT_FALSE(fits("small", Quantization::kNone));
  EXPECT_TRUE(fits("small", Quantization::kInt8));
  EXPECT_TRUE(fits("small", Quantization::kInt4));
  EXPECT_FALSE(fits("base", Quantization::kNone));
  EXPECT_FALSE(fits("base", Quantization::kInt8));
  EXPECT_TRUE(fits("base", Quantization::kInt4));
}

TEST(MemoryPlan, LeavesTheDefaultKvCacheSmallEnoughToFit) {
  const ModelConfig model = real_config("tiny");
  const EngineConfig config = quantized(Quantization::kNone);
  const MemoryPlan roomy = plan_memory(model, config, 100 * kGibibyte);
  const int64_t least = roomy.total() - roomy.kv_cache + roomy.kv_bytes_per_context();
  for (const int64_t more : {int64_t{0}, kGibibyte / 4, kGibibyte, 4 * kGibibyte}) {
    EXPECT_LE(plan_memory(model, config, least + more).total(), least + more) << more;
  }
  EXPECT_GT(plan_memory(model, config, least - 1).total(), least - 1);
}

TEST(MemoryPlan, RefusesSettingsThatFitNoMachine) {
  EngineConfig config = quantized(Quantization::kNone);
  config.runtime.kv_cache_tokens = 100;
  try {
    plan_memory(real_config("tiny"), config, 0);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("kv_cache_tokens is 100: 100 tokens; at least 4096 must fit"));
  }
}

TEST(RequireFit, NamesEverySettingThatWouldDo) {
  const ModelConfig model = real_config("small");
  const std::string text = refusal(model, quantized(Quantization::kNone), 23 * kGibibyte);
  EXPECT_THAT(text, HasSubstr("the model needs 31."));
  EXPECT_THAT(text, HasSubstr("available: 23.0 GiB; what would do: --quantization int8 needs "));
  EXPECT_THAT(text, HasSubstr(", or --quantization int4 needs "));
  EXPECT_EQ(refusal(model, quantized(Quantization::kInt8), 23 * kGibibyte), "it fits");
}

TEST(RequireFit, AcceptsAnythingWhereTheMachineDoesNotTell) {
  EXPECT_EQ(refusal(real_config("base"), quantized(Quantization::kNone), 0), "it fits");
}

TEST(FittingSettings, AreEachEnoughByThemselves) {
  const ModelConfig model = real_config("tiny");
  EngineConfig config = quantized(Quantization::kNone);
  const MemoryPlan plan = plan_memory(model, config, 1);
  const int64_t available = plan.total() - kGibibyte / 16;
  const auto flags = [&] {
    std::vector<std::string> names;
    for (const FittingSetting& setting : fitting_settings(model, config, available)) {
      EXPECT_LE(setting.num_bytes, available) << setting.flags;
      names.push_back(setting.flags);
    }
    return names;
  };
  EXPECT_THAT(flags(), ElementsAre("--quantization int8", "--quantization int4", "--max-model-len 3072", "--max-num-seqs 1",
                                   "--vision-cache-bytes 0"));
}

TEST(FittingSettings, NameTheLargestKvCacheWhereItsSizeIsGiven) {
  const ModelConfig model = real_config("tiny");
  EngineConfig config = quantized(Quantization::kInt4);
  config.runtime.kv_cache_bytes = 100 * kGibibyte;
  const std::vector<FittingSetting> settings = fitting_settings(model, config, 10 * kGibibyte);
  ASSERT_EQ(settings.size(), 1U);
  EXPECT_THAT(settings.front().flags, HasSubstr("--kv-cache-memory "));
  EXPECT_LE(settings.front().num_bytes, 10 * kGibibyte);
  EXPECT_GT(settings.front().num_bytes, 10 * kGibibyte - kGibibyte / 512);
}

TEST(FittingSettings, AreTakenTogetherWhereNoneIsEnough) {
  const ModelConfig model = real_config("base");
  const EngineConfig config = quantized(Quantization::kNone);
  const int64_t with_int4 = plan_memory(model, quantized(Quantization::kInt4), 1).total();
  EXPECT_THAT(fitting_settings(model, config, with_int4 - kGibibyte / 32),
              ElementsAre(Field(&FittingSetting::flags, "--quantization int4 --max-model-len 1024")));
  EXPECT_THAT(fitting_settings(model, config, 12 * kGibibyte), IsEmpty());
  EXPECT_THAT(refusal(model, config, 12 * kGibibyte), HasSubstr("; no setting would do"));
}

}  // namespace
}  // namespace spyhop
