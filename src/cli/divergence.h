// How far one model's next-token distributions are from another's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spyhop {

/// KL(P || Q) in nats of the distributions that two rows of logits stand for, computed in f64: what is lost when Q is taken for
/// P. Never negative; infinite where any logit is not finite.
double kl_divergence(const float* p_logits, const float* q_logits, size_t num_tokens);

/// The token with the largest logit, the first of equals: what greedy sampling takes.
size_t greedy_token(const float* logits, size_t num_tokens);

/// Two models' predictions after one token of a sequence.
struct PositionDivergence {
  int position = 0;        // of the token in its sequence
  bool in_answer = false;  // the predicted token is part of the reference's own answer
  double kl = 0;
  bool same_greedy = false;
};

struct DivergenceSummary {
  size_t count = 0;  // positions; 0: all else is 0 too
  double mean_kl = 0;
  double median_kl = 0;
  double p99_kl = 0;
  double max_kl = 0;
  double agreement = 0;  // share of positions with the same greedy token, 0 .. 1
};

DivergenceSummary summarize_divergence(const std::vector<PositionDivergence>& positions);

}  // namespace spyhop
