#include "measure/limit_loops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "runtime/kernels/instruction_set.h"

namespace spyhop {
namespace {

/// Takes each set of instructions of this machine in turn.
class LimitLoopsOf : public testing::TestWithParam<kernels::InstructionSet> {
 protected:
  void SetUp() override { kernels::force_instruction_set(kernels::instruction_set_name(GetParam())); }
  void TearDown() override { kernels::force_instruction_set("auto"); }
};

TEST_P(LimitLoopsOf, ReadingSeesEveryByteOfWholeLines) {
  const LimitLoops loops = limit_loops();
  std::vector<char> memory(64 * 21, 0);
  EXPECT_EQ(loops.read(memory.data(), static_cast<int64_t>(memory.size())), 0U);
  for (size_t i = 0; i < memory.size(); ++i) {
    memory[i] = static_cast<char>(0x80);
    EXPECT_NE(loops.read(memory.data(), static_cast<int64_t>(memory.size())), 0U) << "byte " << i;
    memory[i] = 0;
  }
}

TEST_P(LimitLoopsOf, ArithmeticTakesTimeInProportionToItsRounds) {
  const LimitLoops loops = limit_loops();
  const auto seconds = [](const ArithmeticLoop& loop, int64_t rounds) {
    double best = 1e9;
    for (int i = 0; i < 7; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      loop.run(rounds);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    return best;
  };
  for (const Arithmetic kind : {Arithmetic::kF32, Arithmetic::kBf16, Arithmetic::kInt8}) {
    const ArithmeticLoop& loop = loops.of(kind);
    EXPECT_GT(loop.operations_per_round, 0);
    const int64_t rounds = 100'000;
    const double once = seconds(loop, rounds);
    EXPECT_GT(seconds(loop, 4 * rounds), 1.5 * once);  // a loop that the compiler had folded away would not care
    EXPECT_LT(static_cast<double>(rounds) * loop.operations_per_round / once, 1e13) << "more than any core can do";
  }
}

INSTANTIATE_TEST_SUITE_P(Machine, LimitLoopsOf, testing::ValuesIn(kernels::available_instruction_sets()),
                         [](const auto& test) { return kernels::instruction_set_name(test.param); });

}  // namespace
}  // namespace spyhop
