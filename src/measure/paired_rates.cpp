#include "measure/paired_rates.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace spyhop {

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
  std::vector<double> ratios;
  for (size_t i = 0; i < pairs.measured.size(); ++i) ratios.push_back(pairs.measured[i] / pairs.limit[i]);
  return {median(pairs.measured), median(pairs.limit), median(ratios)};
}

Rated rate_against(const Work& measured, const Work& limit, const PairOptions& options) {
  measured.run();
  limit.run();
  RatePairs pairs;
  for (int i = 0; i < options.num_pairs; ++i) {
    pairs.measured.push_back(rate_of(measured, options.min_seconds));
    pairs.limit.push_back(rate_of(limit, options.min_seconds));
  }
  return summarize(pairs);
}

}  // namespace spyhop
