#include "measure/kernel_bench.h"

#include <c10/core/InferenceMode.h>

#include "measure/linear_subject.h"
#include "registry/registry.h"
#include "runtime/threads.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr double kGiga = 1e9;

double rate(const MachineState& machine, Arithmetic arithmetic) {
  switch (arithmetic) {
    case Arithmetic::kInt8:
      return machine.int8_ops;
    case Arithmetic::kBf16:
      return machine.bf16_flops;
    default:
      return machine.f32_flops;
  }
}

}  // namespace

ModelConfig bench_model(const std::string& size) {
  return registered_model_config("deepseek-vl2", size);
}

bool KernelBench::wants(const std::string& name) const {
  return name.find(options.filter) != std::string::npos;
}

void KernelBench::measure(const Subject& subject) const {
  const auto bytes = static_cast<double>(total_bytes(subject.regions));
  const bool is_bound_by_memory = bytes / machine.read_bytes_per_s > subject.operations / rate(machine, subject.arithmetic);
  const Work work{is_bound_by_memory ? bytes : subject.operations, subject.run};
  const Work limit = is_bound_by_memory ? plain_read(subject.regions) : register_arithmetic(subject.arithmetic);
  const std::string unit = is_bound_by_memory ? "GB/s" : subject.arithmetic == Arithmetic::kInt8 ? "Gop/s" : "GFLOP/s";
  sink(in_unit(subject.name, rate_against(work, limit, options.pairs), unit, kGiga));
}

void bench_linear_kernels(const KernelBench& bench) {
  const auto measure_shape = [&](const std::string& prefix, const LinearShape& shape, const BenchFormat& format,
                                 const std::vector<int64_t>& rows) {
    const auto name = [&](int64_t count) {
      return prefix + "." + shape.name + " " + format.name + " x" + std::to_string(count);
    };
    std::vector<int64_t> wanted;
    for (const int64_t count : rows) {
      if (bench.wants(name(count))) wanted.push_back(count);
    }
    if (wanted.empty()) return;
    const LinearSubject subject(shape, format, bench.options.least_bytes);
    for (const int64_t count : wanted) {
      const LinearSubject::Run run = subject.with_rows(count);
      bench.measure({name(count), run.products, run.weights, run.operations, format.arithmetic});
    }
  };
  for (const std::string& format_name : bench.options.formats) {
    const BenchFormat& format = bench_format(format_name);
    for (const std::string& size : bench.options.sizes) {
      for (const LinearShape& shape : linear_shapes(bench_model(size).language)) {
        measure_shape(size, shape, format, bench.options.rows);
      }
    }
    const VisionConfig vision = bench_model(bench.options.sizes.front()).vision;
    for (const LinearShape& shape : linear_shapes(vision)) measure_shape("vision", shape, format, {vision.num_patches()});
  }
}

void bench_kernels(const KernelBenchOptions& options, const MachineState& machine, const MeasurementSink& sink) {
  keep_aten_serial();
  const c10::InferenceMode inference_mode;
  const KernelBench bench{options, machine, sink};
  bench_linear_kernels(bench);
  bench_attention_kernels(bench);
  bench_row_kernels(bench);
}

}  // namespace spyhop
