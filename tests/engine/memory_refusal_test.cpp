#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden_engine.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MakeEngine, RefusesWhatTheMachineCannotHoldBeforeItReadsAWeight) {
  EngineConfig config = testing::config_of({"mini-tiny", ComputeType::kBf16});
  config.vision_cache_bytes = int64_t{1} << 45;
  static double progress;
  progress = -1;
  try {
    make_engine(config, [](double share) { progress = share; });
    ADD_FAILURE() << "an engine with a cache of 32 TiB";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("the model needs 32.0 TiB of memory"), HasSubstr("available: "),
                                    HasSubstr("what would do: --vision-cache-bytes 0 needs ")));
  }
  EXPECT_EQ(progress, -1);
}

}  // namespace
}  // namespace spyhop
