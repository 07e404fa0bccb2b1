#include "cli/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bench/statistics.h"

namespace spyhop {
namespace {

/// Log of the sum of all exponentials.
double log_normaliser(const float* logits, size_t num_tokens) {
  const double largest = *std::max_element(logits, logits + num_tokens);
  double sum = 0;
  for (size_t i = 0; i < num_tokens; ++i) sum += std::exp(logits[i] - largest);
  return largest + std::log(sum);
}

bool all_finite(const float* logits, size_t num_tokens) {
  return std::all_of(logits, logits + num_tokens, [](float value) { return std::isfinite(value); });
}

}  // namespace

double kl_divergence(const float* p_logits, const float* q_logits, size_t num_tokens) {
  if (!all_finite(p_logits, num_tokens) || !all_finite(q_logits, num_tokens)) return std::numeric_limits<double>::infinity();
  const double p_normaliser = log_normaliser(p_logits, num_tokens);
  const double q_normaliser = log_normaliser(q_logits, num_tokens);
  double divergence = 0;
  for (size_t i = 0; i < num_tokens; ++i) {
    const double p_log = p_logits[i] - p_normaliser;
    divergence += std::exp(p_log) * (p_log - (q_logits[i] - q_normaliser));
  }
  return std::max(0.0, divergence);  // rounding may leave less than nothing
}

size_t greedy_token(const float* logits, size_t num_tokens) {
  return static_cast<size_t>(std::max_element(logits, logits + num_tokens) - logits);
}

DivergenceSummary summarize_divergence(const std::vector<PositionDivergence>& positions) {
  std::vector<double> values;
  size_t same = 0;
  for (const PositionDivergence& position : positions) {
    values.push_back(position.kl);
    same += position.same_greedy ? 1 : 0;
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  DivergenceSummary summary;
  summary.count = values.size();
  for (const double value : values) summary.mean_kl += value / static_cast<double>(values.size());
  summary.median_kl = percentile(values, 50);
  summary.p99_kl = percentile(values, 99);
  summary.max_kl = values.back();
  summary.agreement = static_cast<double>(same) / static_cast<double>(values.size());
  return summary;
}

}  // namespace spyhop
