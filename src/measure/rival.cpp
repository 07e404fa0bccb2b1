#include "measure/rival.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "measure/cpu_watch.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::chrono::minutes kPatience{20};
constexpr double kProbeSeconds = 0.1;

std::chrono::steady_clock::time_point patience_end() {
  return std::chrono::steady_clock::now() + kPatience;
}

/// One thing that both can do.
struct Contest {
  std::string name;
  Work ours;
  std::function<double()> rivals;  // returns its rate
};

}  // namespace

bool RivalPair::is_quiet() const {
  constexpr double kMostOthers = 0.1;  // cores
  constexpr double kMostChange = 0.15;
  return others_cores <= kMostOthers && std::abs(read_after - read_before) <= kMostChange * read_before;
}

Measurement summarize(const std::vector<RivalPair>& pairs) {
  RatePairs all, quiet;
  for (const RivalPair& pair : pairs) {
    for (RatePairs* const rates : {&all, &quiet}) {
      if (rates == &quiet && !pair.is_quiet()) continue;
      rates->measured.push_back(pair.ours);
      rates->limit.push_back(pair.rivals);
    }
  }
  return in_unit(pairs.front().name + " / rival", summarize(all, quiet), "tok/s", 1);
}

namespace {

/// In turns, each half once before.
void measure(const ThroughputSubject& subject, const PairOptions& options, const Contest& contest, pid_t rival,
             const RivalSinks& sinks) {
  contest.ours.run();
  contest.rivals();
  std::vector<RivalPair> pairs;
  const Work read = subject.probe.read();
  for (int i = 0; i < options.num_pairs; ++i) {
    const CpuWatch watch({rival});
    RivalPair pair;
    pair.name = contest.name;
    pair.read_before = rate_of(read, kProbeSeconds);
    pair.ours = rate_of(contest.ours, options.min_seconds);
    pair.rivals = contest.rivals();
    pair.read_after = rate_of(read, kProbeSeconds);
    pair.others_cores = watch.others_cores();
    pairs.push_back(pair);
    sinks.pair(pair);
  }
  sinks.summary(summarize(pairs));
}

}  // namespace

Rival::Rival(const std::string& command) : process_({"/bin/sh", "-c", "exec " + command}, ChildProcess::Errors::kInherited) {
  const std::optional<std::string> line = process_.read_line(patience_end());
  if (line != "ready") throw Error(ErrorCode::kUnavailable, "the rival is not ready: " + line.value_or("it ended"), "rival");
}

double Rival::decode(const DecodePlan& plan) {
  return ask("decode " + std::to_string(plan.num_sequences) + " " + std::to_string(plan.depth) + " " +
             std::to_string(plan.num_steps));
}

double Rival::ask(const std::string& request) {
  process_.write_line(request);
  const std::string answer = process_.read_line(patience_end()).value_or("it ended");
  char* end = nullptr;
  const double rate = std::strtod(answer.c_str(), &end);
  if (end == answer.c_str() || !std::isfinite(rate) || rate <= 0) {
    throw Error(ErrorCode::kUnavailable, "the rival's answer to '" + request + "' is no rate: " + answer, "rival");
  }
  return rate;
}

void bench_rival(const ThroughputSubject& subject, const ThroughputOptions& options, Rival& rival, const RivalSinks& sinks) {
  for (const int length : options.prefill) {
    if (length == 0) continue;
    RandomPrompt prompt(subject.runner, length);
    const Work ours{static_cast<double>(length), [&] { prompt.run(); }};
    measure(subject, options.pairs, {prefill_name(length), ours, [&] { return rival.prefill(length); }}, rival.pid(), sinks);
  }
  if (options.num_steps == 0) return;
  for (const int batch : options.batches) {
    const DecodePlan plan = decode_plan(options, batch);
    RandomDecode decode(subject.runner, plan);
    const Work ours{static_cast<double>(batch) * plan.num_steps, [&] { decode.run(); }};
    measure(subject, options.pairs, {decode_name(options, batch), ours, [&] { return rival.decode(plan); }}, rival.pid(),
            sinks);
  }
}

}  // namespace spyhop
