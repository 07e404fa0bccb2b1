#include "cli/bench_report.h"

#include <cstdio>

#include "runtime/kernels/instruction_set.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

using json = nlohmann::ordered_json;

constexpr double kGiga = 1e9;

void print_state(const char* when, const MachineState& state) {
  std::printf("machine %s: read %.1f GB/s (one thread %.1f), f32 %.0f, bf16 %.0f GFLOP/s, int8 %.0f Gop/s\n", when,
              state.read_bytes_per_s / kGiga, state.read_bytes_per_s_one_thread / kGiga, state.f32_flops / kGiga,
              state.bf16_flops / kGiga, state.int8_ops / kGiga);
}

json state_json(const MachineState& state) {
  return {{"read_gb_per_s", state.read_bytes_per_s / kGiga},
          {"read_gb_per_s_one_thread", state.read_bytes_per_s_one_thread / kGiga},
          {"f32_gflop_per_s", state.f32_flops / kGiga},
          {"bf16_gflop_per_s", state.bf16_flops / kGiga},
          {"int8_gop_per_s", state.int8_ops / kGiga}};
}

}  // namespace

json bench_json(const std::vector<Measurement>& lines, const MachineRecord& machine) {
  json results = json::array();
  int num_pairs = 0, num_quiet = 0;
  for (const Measurement& line : lines) {
    num_pairs += line.num_pairs;
    num_quiet += line.num_quiet;
    results.push_back(
        {{"name", line.name}, {"value", line.value}, {"unit", line.unit}, {"limit", line.limit}, {"ratio", line.ratio}});
  }
  return {{"results", results},
          {"machine",
           {{"instruction_set", kernels::instruction_set_name(kernels::instruction_set())},
            {"threads", num_compute_threads()},
            {"others_cores", machine.others_cores},
            {"pairs", num_pairs},
            {"quiet_pairs", num_quiet},
            {"before", state_json(machine.before)},
            {"after", state_json(machine.after)}}}};
}

json rival_pairs_json(const std::vector<RivalPair>& pairs) {
  json all = json::array();
  for (const RivalPair& pair : pairs) {
    all.push_back({{"name", pair.name},
                   {"ours", pair.ours},
                   {"rivals", pair.rivals},
                   {"ratio", pair.ours / pair.rivals},
                   {"read_gb_per_s_before", pair.read_before / kGiga},
                   {"read_gb_per_s_after", pair.read_after / kGiga},
                   {"others_cores", pair.others_cores},
                   {"quiet", pair.is_quiet()}});
  }
  return all;
}

BenchReport::BenchReport(bool prints_json) : record_{probe_.take(), {}, 0}, prints_json_(prints_json) {
  if (prints_json_) return;
  std::printf("instruction set %s, %d threads\n", kernels::instruction_set_name(kernels::instruction_set()).c_str(),
              num_compute_threads());
  print_state("before", record_.before);
  std::printf("\n%-52s %12s %12s  %-8s %6s  quiet pairs\n", "what", "value", "limit", "unit", "ratio");
  std::fflush(stdout);
}

MeasurementSink BenchReport::sink() {
  return [this](const Measurement& line) {
    lines_.push_back(line);
    if (prints_json_) return;
    std::printf("%-52s %12.2f %12.2f  %-8s %6.3f  %d of %d\n", line.name.c_str(), line.value, line.limit, line.unit.c_str(),
                line.ratio, line.num_quiet, line.num_pairs);
    std::fflush(stdout);
  };
}

RivalSinks BenchReport::rival_sinks() {
  const auto print_pair = [this](const RivalPair& pair) {
    pairs_.push_back(pair);
    if (prints_json_) return;
    std::printf("  %-50s %12.2f %12.2f  %-8s %6.3f  read %.1f, %.1f GB/s; others %.2f cores\n",
                (pair.name + ", a pair").c_str(), pair.ours, pair.rivals, "tok/s", pair.ours / pair.rivals,
                pair.read_before / kGiga, pair.read_after / kGiga, pair.others_cores);
    std::fflush(stdout);
  };
  return {print_pair, sink()};
}

void BenchReport::finish() {
  record_.others_cores = others_.others_cores();
  record_.after = probe_.take();
  if (prints_json_) {
    json report = bench_json(lines_, record_);
    if (!pairs_.empty()) report["pairs"] = rival_pairs_json(pairs_);
    std::printf("%s\n", report.dump(2).c_str());
    return;
  }
  std::printf("\n");
  print_state("after", record_.after);
  std::printf("others took %.2f cores meanwhile\n", record_.others_cores);
}

}  // namespace spyhop
