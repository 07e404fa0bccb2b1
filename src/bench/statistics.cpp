#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spyhop {

double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const double position = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + (sorted[above] - sorted[below]) * weight;
}

Summary summarize(std::vector<double> values, const std::vector<double>& percents) {
  Summary summary;
  summary.percentiles.assign(percents.size(), 0);
  if (values.empty()) return summary;
  std::sort(values.begin(), values.end());
  const auto size = static_cast<double>(values.size());
  summary.count = values.size();
  summary.mean = std::accumulate(values.begin(), values.end(), 0.0) / size;
  double squares = 0;
  for (const double value : values) squares += (value - summary.mean) * (value - summary.mean);
  summary.std = std::sqrt(squares / size);
  summary.median = percentile(values, 50);
  summary.max = values.back();
  for (size_t i = 0; i < percents.size(); ++i) summary.percentiles[i] = percentile(values, percents[i]);
  return summary;
}

}  // namespace spyhop
