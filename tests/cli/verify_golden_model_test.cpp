#include "cli/verify_golden_model.h"

#include <gtest/gtest.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

LanguageConfig three_layers_two_moe() {
  LanguageConfig language;
  language.num_layers = 3;
  language.num_routed_experts = 8;
  language.first_k_dense_replace = 1;
  return language;
}

TEST(LayerTolerances, AreTheSameWithoutNearTies) {
  const double usual = GoldenTolerances().activations;
  EXPECT_EQ(layer_tolerances({}, three_layers_two_moe(), {0, 5}), std::vector<double>(6, usual));
}

TEST(LayerTolerances, WidenFromTheTiedLayerAndPositionOn) {
  const double usual = GoldenTolerances().activations;
  const double wide = GoldenTolerances().layers_after_near_tie;
  const std::vector<double> want = {usual, usual, usual,  // the dense layer
                                    usual, wide,  wide,   // MoE layer 0, tied at position 4
                                    usual, wide,  wide};  // MoE layer 1
  EXPECT_EQ(layer_tolerances({{0, 4, 5e-5}}, three_layers_two_moe(), {3, 4, 5}), want);
}

TEST(LayerTolerances, RefuseALayerThatIsNotThere) {
  EXPECT_THROW(layer_tolerances({{2, 0, 5e-5}}, three_layers_two_moe(), {0}), Error);
}

TEST(ShareLimit, AllowsForTheScatterOfShortPrompts) {
  EXPECT_NEAR(share_limit(0.8, 16), 0.7, 1e-9);
  EXPECT_NEAR(share_limit(0.8, 1600), 0.79, 1e-9);
}

TEST(GoldenTolerances, AreWiderInBf16ForASigmoidGate) {
  LanguageConfig language;
  EXPECT_EQ(golden_tolerances(language).bf16_cosine, 0.99);
  language.scoring_func = ScoringFunc::kSigmoid;
  EXPECT_EQ(golden_tolerances(language).bf16_cosine, 0.95);
  EXPECT_EQ(golden_tolerances(language).bf16_argmax_share, 0.7);
  EXPECT_EQ(golden_tolerances(language).logits, 1e-3);
}

}  // namespace
}  // namespace spyhop
