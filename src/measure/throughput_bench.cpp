#include "measure/throughput_bench.h"

#include <algorithm>

namespace spyhop {
namespace {

constexpr double kGiga = 1e9;

/// The rate, and the same in tokens.
void report(const std::string& name, const Rated& rated, const std::string& unit, double amount_per_token,
            const MeasurementSink& sink) {
  sink(in_unit(name, rated, "tok/s", amount_per_token));
  sink(in_unit(name + " " + (unit == "GB/s" ? "read" : "arithmetic"), rated, unit, kGiga));
}

void bench_prefill(const ThroughputSubject& subject, int num_tokens, const PairOptions& pairs, const MeasurementSink& sink) {
  RandomPrompt prompt(subject.runner, num_tokens);
  const double operations = prefill_operations(subject.runner.config().language, num_tokens);
  const Work work{operations, [&] { prompt.run(); }};
  const Arithmetic arithmetic = subject.runtime.compute == ComputeType::kF32 ? Arithmetic::kF32 : Arithmetic::kBf16;
  const Rated rated = rate_against(work, register_arithmetic(arithmetic), pairs);
  report(prefill_name(num_tokens), rated, "GFLOP/s", operations / num_tokens, sink);
}

void bench_decode(const ThroughputSubject& subject, const ThroughputOptions& options, int batch, const MeasurementSink& sink) {
  RandomDecode decode(subject.runner, decode_plan(options, batch));
  const double bytes = decode_bytes(subject.runner.config(), subject.runtime, decode.count());
  const Work work{bytes * options.num_steps, [&] { decode.run(); }};
  const Rated rated = rate_against(work, subject.probe.read(), options.pairs);
  report(decode_name(options, batch), rated, "GB/s", bytes / batch, sink);
}

}  // namespace

std::string prefill_name(int num_tokens) {
  return "prefill " + std::to_string(num_tokens);
}

std::string decode_name(const ThroughputOptions& options, int batch) {
  std::string name = "decode x" + std::to_string(batch);
  if (options.depth > 0) name += " at " + std::to_string(options.depth);
  return name;
}

DecodePlan decode_plan(const ThroughputOptions& options, int batch) {
  return {batch, options.depth, options.num_steps};
}

int64_t throughput_cache_tokens(const ThroughputOptions& options, int block_size) {
  int64_t tokens = block_size;
  for (const int length : options.prefill) tokens = std::max<int64_t>(tokens, length);
  for (const int batch : options.batches) tokens = std::max(tokens, cache_tokens(decode_plan(options, batch), block_size));
  return (tokens + block_size - 1) / block_size * block_size;
}

void bench_throughput(const ThroughputSubject& subject, const ThroughputOptions& options, const MeasurementSink& sink) {
  for (const int length : options.prefill) {
    if (length > 0) bench_prefill(subject, length, options.pairs, sink);
  }
  if (options.num_steps == 0) return;
  for (const int batch : options.batches) bench_decode(subject, options, batch, sink);
}

void bench_disturbed(const ThroughputSubject& subject, const ThroughputOptions& options, Disturbance& disturbance,
                     const MeasurementSink& sink) {
  for (const int batch : options.batches) {
    RandomDecode decode(subject.runner, decode_plan(options, batch));
    const Work work{static_cast<double>(batch) * options.num_steps, [&] { decode.run(); }};
    work.run();
    RatePairs rates;
    for (int i = 0; i < options.pairs.num_pairs; ++i) {
      disturbance.begin();
      rates.measured.push_back(rate_of(work, options.pairs.min_seconds));
      disturbance.end();
      rates.limit.push_back(rate_of(work, options.pairs.min_seconds));
    }
    sink(in_unit(decode_name(options, batch) + " beside " + disturbance.name(), summarize(rates), "tok/s", 1));
  }
}

}  // namespace spyhop
