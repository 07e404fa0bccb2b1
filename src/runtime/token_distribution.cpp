#include "runtime/token_distribution.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "runtime/top_p.h"

namespace spyhop {
namespace {

using kernels::kLogitBlock;

/// A temperature so small that the best logit would not stay finite is raised to where it does: only the best ones have a share
/// there either.
kernels::ShareScale scale_of(float best, double temperature) {
  const float wanted = static_cast<float>(temperature);
  if (std::isfinite(best / wanted)) return {wanted, best / wanted};
  const float raised = std::max(std::numeric_limits<float>::min(), std::fabs(best) * 1e-38F);
  return {raised, best / raised};
}

std::vector<double> blocks_of(int64_t count) {
  return std::vector<double>(static_cast<size_t>(kernels::num_logit_blocks(count)));
}

double sum_of(const std::vector<double>& block_sums) {
  return std::accumulate(block_sums.begin(), block_sums.end(), 0.0);
}

std::vector<double> block_sums_of(const TokenList& shares) {
  std::vector<double> sums = blocks_of(shares.size());
  kernels::logit_kernels().sum_blocks(shares.values(), shares.size(), sums.data());
  return sums;
}

}  // namespace

TokenDistribution::TokenDistribution(const LogitRow& row, const SamplingParams& params)
    : row_(row), scale_(scale_of(row.best(), params.temperature)) {
  const float min_p = static_cast<float>(params.min_p);  // of the best one's share, which is 1
  if (params.top_k > 0 && params.top_k < row.size()) {
    keep_top_k(params.top_k);
    if (params.top_p < 1.0)
      drop_from_kept(find_top_p_cut(kept_->values(), kept_->size(), sum_of(block_sums_of(*kept_)), params.top_p));
    if (min_p > 0) drop_from_kept({min_p, 0});
  } else if (params.top_p < 1.0 || min_p > 0) {
    keep_shares(params.top_p, min_p);
  }
  block_sums_ = kept_ ? block_sums_of(*kept_) : blocks_of(row.size());
  if (!kept_) kernels::logit_kernels().shares(row.data(), row.size(), scale_, nullptr, block_sums_.data());
  sum_ = sum_of(block_sums_);
}

void TokenDistribution::keep_top_k(int k) {
  // Logits a little below may equal the k-th once they are divided.
  const float reached = row_.reached_by(k);
  const float least = reached - (std::fabs(reached) * 0x1p-20F + std::numeric_limits<float>::min());
  TokenList& tokens = kept_.emplace(row_.size());
  tokens.collect(row_.data(), row_.size(), {least, row_.best()});
  if (tokens.size() > k) {
    std::vector<float> scaled(tokens.values(), tokens.values() + tokens.size());
    for (float& value : scaled) value /= scale_.temperature;
    std::vector<float> ordered = scaled;
    std::nth_element(ordered.begin(), ordered.begin() + (k - 1), ordered.end(), std::greater<>());
    const float kth = ordered[static_cast<size_t>(k - 1)];
    tokens.filter([&](int64_t i) { return scaled[static_cast<size_t>(i)] >= kth; });
  }
  std::vector<double> sums = blocks_of(tokens.size());
  kernels::logit_kernels().shares(tokens.values(), tokens.size(), scale_, tokens.values(), sums.data());
}

void TokenDistribution::keep_shares(double top_p, float min_p) {
  const at::Tensor memory = at::empty({row_.size()}, at::kFloat);
  float* const shares = memory.data_ptr<float>();
  std::vector<double> sums = blocks_of(row_.size());
  kernels::logit_kernels().shares(row_.data(), row_.size(), scale_, shares, sums.data());
  TopPCut cut{min_p, 0};
  if (top_p < 1.0) cut = find_top_p_cut(shares, row_.size(), sum_of(sums), top_p);
  kept_.emplace(row_.size()).collect(shares, row_.size(), {std::max(cut.least, min_p), 1.0F});
  if (cut.num_dropped > 0) drop_from_kept(cut);
}

void TokenDistribution::drop_from_kept(const TopPCut& cut) {
  TokenList& tokens = *kept_;
  int64_t num_passed = cut.least == 1.0F ? -1 : 0;  // the very first of the largest stays
  tokens.filter([&](int64_t i) {
    const float share = tokens.values()[i];
    if (share != cut.least) return share > cut.least;
    ++num_passed;
    return num_passed == 0 || num_passed > cut.num_dropped;
  });
}

int32_t TokenDistribution::draw(double uniform) const {
  const double target = uniform * sum_;
  size_t block = 0;  // the last one possible, for a target that rounding puts at the very end
  double running = 0;
  double before = 0;
  for (size_t i = 0; i < block_sums_.size(); ++i) {
    if (block_sums_[i] == 0) continue;
    block = i;
    before = running;
    running += block_sums_[i];
    if (target < running) break;
  }
  const int64_t first = static_cast<int64_t>(block) * kLogitBlock;
  const int64_t count = std::min(kLogitBlock, (kept_ ? kept_->size() : row_.size()) - first);
  float computed[kLogitBlock];
  const float* shares = computed;
  if (kept_) {
    shares = kept_->values() + first;
  } else {
    double sum = 0;
    kernels::logit_kernels().shares(row_.data() + first, count, scale_, computed, &sum);
  }
  int64_t last = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (shares[i] == 0) continue;
    before += shares[i];
    last = i;
    if (target < before) break;
  }
  return kept_ ? kept_->ids()[first + last] : static_cast<int32_t>(first + last);
}

std::vector<float> TokenDistribution::probabilities() const {
  std::vector<float> result(static_cast<size_t>(row_.size()), 0.0F);
  if (kept_) {
    for (int64_t i = 0; i < kept_->size(); ++i) result[static_cast<size_t>(kept_->ids()[i])] = kept_->values()[i];
  } else {
    std::vector<double> sums = blocks_of(row_.size());
    kernels::logit_kernels().shares(row_.data(), row_.size(), scale_, result.data(), sums.data());
  }
  for (float& value : result) value = static_cast<float>(value / sum_);
  return result;
}

}  // namespace spyhop
