#include "runtime/logit_row.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "spyhop/error.h"

namespace spyhop {

using kernels::kLogitBlock;

// Tensors, since the runtime keeps their memory for the next one.
TokenList::TokenList(int64_t capacity)
    : id_memory_(at::empty({capacity}, at::kInt)),
      value_memory_(at::empty({capacity}, at::kFloat)),
      ids_(id_memory_.data_ptr<int32_t>()),
      values_(value_memory_.data_ptr<float>()) {}

void TokenList::collect(const float* values, int64_t count, const kernels::ValueRange& range) {
  size_ = kernels::logit_kernels().collect(values, count, range, ids_, values_);
}

LogitRow::LogitRow(const float* logits, int64_t count)
    : logits_(logits),
      count_(count),
      block_maxima_(static_cast<size_t>(kernels::num_logit_blocks(count))),
      best_(kernels::logit_kernels().maximum(logits, count, block_maxima_.data())) {
  if (std::isinf(best_)) throw Error(ErrorCode::kInternal, "the model gave no finite logit");
}

int32_t LogitRow::best_id() const {
  const auto block = std::find(block_maxima_.begin(), block_maxima_.end(), best_);
  const float* const begin = logits_ + (block - block_maxima_.begin()) * kLogitBlock;
  return static_cast<int32_t>(std::find(begin, logits_ + count_, best_) - logits_);
}

float LogitRow::reached_by(int k) const {
  if (static_cast<size_t>(k) > block_maxima_.size()) return -std::numeric_limits<float>::infinity();
  std::vector<float> maxima = block_maxima_;
  const auto kth = maxima.begin() + (k - 1);
  std::nth_element(maxima.begin(), kth, maxima.end(), std::greater<>());
  return *kth;
}

}  // namespace spyhop
