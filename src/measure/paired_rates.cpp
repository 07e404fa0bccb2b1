#include "measure/paired_rates.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "measure/cpu_watch.h"

namespace spyhop {
namespace {

constexpr double kMostWaiting = 0.04;  // of the time, all threads together, in a quiet pair

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double rate_of(const Work& work, double min_seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  double amount = 0;
  double seconds = 0;
  // Ever more calls between two looks at the clock: some take less time than the look.
  for (int64_t calls = 1; seconds <= 0 || seconds < min_seconds; calls *= 2) {
    for (int64_t i = 0; i < calls; ++i) work.run();
    amount += work.amount * static_cast<double>(calls);
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return amount / seconds;
}

Rated summarize(const RatePairs& pairs) {
  return summarize(pairs, pairs);
}

Rated summarize(const RatePairs& all, const RatePairs& quiet) {
  const RatePairs& pairs = quiet.measured.empty() ? all : quiet;
  std::vector<double> ratios;
  for (size_t i = 0; i < pairs.measured.size(); ++i) ratios.push_back(pairs.measured[i] / pairs.limit[i]);
  return {median(pairs.measured), median(pairs.limit), median(ratios), static_cast<int>(all.measured.size()),
          static_cast<int>(quiet.measured.size())};
}

Rated rate_against(const Work& measured, const Work& limit, const PairOptions& options) {
  using Clock = std::chrono::steady_clock;
  measured.run();
  limit.run();
  RatePairs all, quiet;
  const auto wanted = static_cast<size_t>(options.num_pairs);
  while (quiet.measured.size() < wanted && all.measured.size() < 2 * wanted) {
    const double waited = seconds_without_core();
    const Clock::time_point begin = Clock::now();
    const double rate = rate_of(measured, options.min_seconds);
    const double limit_rate = rate_of(limit, options.min_seconds);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const bool is_quiet = seconds_without_core() - waited <= kMostWaiting * seconds;
    for (RatePairs* const pairs : {&all, &quiet}) {
      if (pairs == &quiet && !is_quiet) continue;
      pairs->measured.push_back(rate);
      pairs->limit.push_back(limit_rate);
    }
  }
  return summarize(all, quiet);
}

}  // namespace spyhop
