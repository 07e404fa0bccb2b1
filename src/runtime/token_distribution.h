// The probabilities from which a token is drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/kernels/logits.h"
#include "runtime/logit_row.h"
#include "runtime/top_p.h"
#include "spyhop/chat.h"

namespace spyhop {

/// Temperature, top_k, top_p and min_p, in this order, over the logits of one token. What the filters keep is found without
/// sorting. Only as much is computed for each token of the vocabulary as the parameters ask for.
/// A token is drawn over the ids in rising order. Sums have an order of their own (kernels/logits.h), the same for all
/// instruction sets, so that a seed gives the same tokens wherever the logits are the same.
/// Source: TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper and MinPLogitsWarper of transformers.
class TokenDistribution {
 public:
  /// `row` must outlive it. The temperature is above 0.
  TokenDistribution(const LogitRow& row, const SamplingParams& params);

  /// uniform: [0, 1).
  int32_t draw(double uniform) const;

  /// [vocab_size], 0 for what the filters drop.
  std::vector<float> probabilities() const;

 private:
  void keep_top_k(int k);
  void keep_shares(double top_p, float min_p);
  void drop_from_kept(const TopPCut& cut);

  const LogitRow& row_;
  kernels::ShareScale scale_;
  std::optional<TokenList> kept_;   // with their shares; nothing where no filter is on
  std::vector<double> block_sums_;  // of the shares that are kept
  double sum_ = 0;
};

}  // namespace spyhop
