#include "runtime/weights.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

TEST(Weights, every_golden_checkpoint_loads) {
  for (const char* family : {"mini-tiny", "mini-small", "mini-base"}) {
    const ModelConfig config = load_model_config(checkpoint(family));
    const Weights weights = load_weights(checkpoint(family), config, RuntimeConfig(), nullptr);
    for (const TensorSpec& spec : expected_tensors(config)) {
      if (!spec.used) continue;
      EXPECT_EQ(weights.at(spec.name).sizes(), at::IntArrayRef(spec.shape)) << spec.name;
    }
  }
}

}  // namespace
}  // namespace spyhop
