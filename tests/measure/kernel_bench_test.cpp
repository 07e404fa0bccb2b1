#include "measure/kernel_bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "measure/linear_subject.h"
#include "runtime/thread_pool.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// Large enough for a shape or two, small enough for a test.
KernelBenchOptions small_options() {
  KernelBenchOptions options;
  options.sizes = {"tiny"};
  options.rows = {1, 2};
  options.context = 64;
  options.least_bytes = 1 << 20;
  options.pairs = {1, 0};
  return options;
}

std::vector<Measurement> run(const KernelBenchOptions& options) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  MachineState machine;
  machine.read_bytes_per_s = 4e10;
  machine.f32_flops = 5e11;
  machine.bf16_flops = 1e12;
  machine.int8_ops = 2e12;
  std::vector<Measurement> lines;
  bench_kernels(options, machine, [&](const Measurement& line) { lines.push_back(line); });
  return lines;
}

TEST(LinearSubject, WeightsAreSpreadOverAtLeastTheBytesAskedFor) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  LinearShape shape;
  shape.name = "small";
  shape.matrices = {{96, 128, false}};
  const LinearSubject subject(shape, bench_format("bf16"), 100'000);
  const LinearSubject::Run once = subject.with_rows(3);
  EXPECT_EQ(once.weights.size(), 5U);  // 24,576 bytes each
  EXPECT_EQ(total_bytes(once.weights), 5 * 96 * 128 * 2);
  EXPECT_DOUBLE_EQ(once.operations, 5 * 2.0 * 3 * 96 * 128);
  once.products();
}

TEST(LinearSubject, EachRowGoesToItsNumberOfExpertsAndOnlyThoseChosenAreRead) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  LinearShape shape;
  shape.name = "experts";
  shape.matrices = {{64, 64, true}};
  shape.expert = {32, 64, true};
  shape.num_experts = 16;
  shape.experts_per_row = 6;
  const LinearSubject subject(shape, bench_format("bf16"), 1);
  const LinearSubject::Run one = subject.with_rows(1);
  EXPECT_EQ(one.weights.size(), 1U + 6U);
  EXPECT_DOUBLE_EQ(one.operations, 2.0 * 2 * 64 * 64 + 6 * 2.0 * 2 * 32 * 64);
  const LinearSubject::Run many = subject.with_rows(64);
  EXPECT_EQ(many.weights.size(), 1U + 16U);
  EXPECT_DOUBLE_EQ(many.operations, 64 * one.operations);
  many.products();
}

TEST(LinearSubject, QuantizedWeightsCountTheirScales) {
  ThreadPool pool(2);
  const UsePool use_pool(pool);
  LinearShape shape;
  shape.name = "small";
  shape.matrices = {{64, 128, false}};
  const auto bytes = [&](const char* format) {
    return total_bytes(LinearSubject(shape, bench_format(format), 1).with_rows(1).weights);
  };
  const int64_t scales = 64 * (128 / 64) * 2;
  EXPECT_EQ(bytes("f32"), 64 * 128 * 4);
  EXPECT_EQ(bytes("int8"), 64 * 128 + scales);
  EXPECT_EQ(bytes("int4"), 64 * 128 / 2 + scales);
}

TEST(KernelBench, MeasuresEveryKindOfOperation) {
  const std::vector<Measurement> lines = run(small_options());
  std::vector<std::string> names;
  for (const Measurement& line : lines) {
    names.push_back(line.name);
    EXPECT_TRUE(std::isfinite(line.value) && line.value > 0) << line.name;
    EXPECT_TRUE(std::isfinite(line.limit) && line.limit > 0) << line.name;
    EXPECT_TRUE(std::isfinite(line.ratio) && line.ratio > 0) << line.name;
  }
  using testing::Contains;
  for (const char* name : {"tiny.attention.qkv bf16 x1", "tiny.dense.gate_up bf16 x2", "tiny.experts.down bf16 x1",
                           "tiny.lm_head bf16 x2", "vision.fc1 bf16 x729", "tiny.attention.prefill x512",
                           "tiny.attention.decode at 64 x1", "vision.attention x729", "tiny.rms_norm x1", "tiny.rope x2",
                           "tiny.router x1", "tiny.mix_experts x2", "tiny.sampler.greedy", "vision.gelu x729"}) {
    EXPECT_THAT(names, Contains(name));
  }
}

TEST(KernelBench, AFilterKeepsTheNamesThatContainIt) {
  KernelBenchOptions options = small_options();
  options.sizes = {"small", "27"};
  options.filter = "attention.kv_a";
  std::vector<std::string> names;
  for (const Measurement& line : run(options)) names.push_back(line.name);
  EXPECT_THAT(names, testing::ElementsAre("small.attention.kv_a bf16 x1", "small.attention.kv_a bf16 x2",
                                          "27.attention.kv_a bf16 x1", "27.attention.kv_a bf16 x2"));
}

TEST(KernelBench, UnknownSizesAndFormatsAreNamed) {
  KernelBenchOptions options = small_options();
  options.sizes = {"huge"};
  EXPECT_THROW(run(options), Error);
  try {
    bench_format("int3");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("'int3'; allowed: bf16, f32, int8, int4"));
  }
}

}  // namespace
}  // namespace spyhop
