#include "runtime/moe.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/linear.h"
#include "runtime/kernels/mix_experts.h"
#include "runtime/kernels/rows.h"

namespace spyhop {
namespace {

/// The (token, choice) pairs ordered by expert.
struct Order {
  std::vector<int64_t> counts;  // [num_experts] pairs of each expert
  std::vector<int64_t> tokens;  // [num_tokens * k] in expert order
  at::Tensor slots;             // [num_tokens, k] int64, place of each pair in that order
};

Order order_by_expert(const Routing& routing, size_t num_experts) {
  Order order;
  order.counts.assign(num_experts, 0);
  for (const int32_t id : routing.ids) ++order.counts[static_cast<size_t>(id)];
  std::vector<int64_t> next(num_experts, 0);
  for (size_t i = 1; i < num_experts; ++i) next[i] = next[i - 1] + order.counts[i - 1];
  order.tokens.resize(routing.ids.size());
  order.slots = at::empty({routing.num_tokens, routing.k}, at::kLong);
  auto* const slots = order.slots.data_ptr<int64_t>();
  for (size_t i = 0; i < routing.ids.size(); ++i) {
    const int64_t slot = next[static_cast<size_t>(routing.ids[i])]++;
    slots[i] = slot;
    order.tokens[static_cast<size_t>(slot)] = static_cast<int64_t>(i) / routing.k;
  }
  return order;
}

/// The routing's values as a tensor, [num_tokens, k].
template <typename T>
at::Tensor matrix(const Routing& routing, const std::vector<T>& values, at::ScalarType type) {
  at::Tensor result = at::empty({routing.num_tokens, routing.k}, type);
  std::copy(values.begin(), values.end(), static_cast<T*>(result.data_ptr()));
  return result;
}

}  // namespace

struct Moe::Group {
  const GatedMlp* expert;
  int64_t first;  // row
  int64_t count;
};

Moe::Moe(const Weights& weights, const std::string& prefix, const LanguageConfig& config)
    : router_(weights, prefix + ".gate", config) {
  for (int i = 0; i < *config.num_routed_experts; ++i) {
    experts_.emplace_back(weights, prefix + ".experts." + std::to_string(i));
  }
  if (config.num_shared_experts) shared_experts_.emplace(weights, prefix + ".shared_experts");
}

/// All experts at once, the shared ones among them: two parallel loops. rows: [num_tokens * k, hidden] in expert order,
/// x: [num_tokens, hidden]. Returns the routed experts' results in the order of rows and those of the shared ones, which are
/// undefined where there are none.
Moe::Results Moe::run_experts(const at::Tensor& rows, const std::vector<Group>& groups, const at::Tensor& x) const {
  Results results{at::empty_like(rows), shared_experts_ ? at::empty_like(x) : at::Tensor()};
  const at::Tensor inner = at::empty({rows.size(0), experts_.front().width()}, rows.options());
  const at::Tensor shared_inner =
      shared_experts_ ? at::empty({x.size(0), shared_experts_->width()}, x.options()) : at::Tensor();
  std::vector<kernels::LinearTask> gate_up;
  std::vector<kernels::LinearTask> down;
  gate_up.reserve(groups.size() + 1);
  down.reserve(groups.size() + 1);
  // The shared experts have the most rows: first, so that no thread ends on them alone.
  if (shared_experts_) {
    gate_up.push_back(shared_experts_->gate_up_task(x, shared_inner));
    down.push_back(shared_experts_->down_task(shared_inner, results.shared));
  }
  for (const Group& group : groups) {
    gate_up.push_back(kernels::rows_of_task(group.expert->gate_up_task(rows, inner), group.first, group.count));
    down.push_back(kernels::rows_of_task(group.expert->down_task(inner, results.routed), group.first, group.count));
  }
  kernels::linear(gate_up);
  kernels::linear(down);
  return results;
}

/// The same, one expert after the other.
Moe::Results Moe::run_experts_in_turn(const at::Tensor& rows, const std::vector<Group>& groups, const at::Tensor& x) const {
  Results results{at::empty_like(rows), shared_experts_ ? shared_experts_->forward(x) : at::Tensor()};
  for (const Group& group : groups) {
    const auto part = [&group](const at::Tensor& tensor) { return tensor.narrow(0, group.first, group.count); };
    part(results.routed).copy_(group.expert->forward(part(rows)));
  }
  return results;
}

at::Tensor Moe::forward(const at::Tensor& x, MoeTrace* trace) const {
  const Routing routing = router_.route(x);
  const Order order = order_by_expert(routing, experts_.size());
  std::vector<Group> groups;
  int64_t first = 0;
  for (size_t i = 0; i < experts_.size(); ++i) {
    if (order.counts[i] > 0) groups.push_back({&experts_[i], first, order.counts[i]});
    first += order.counts[i];
  }
  const at::Tensor weights = matrix(routing, routing.weights, at::kFloat);
  const at::Tensor rows = kernels::gather_rows(x, order.tokens);
  const Results results = on_cpu(x) ? run_experts(rows, groups, x) : run_experts_in_turn(rows, groups, x);
  at::Tensor mixed = kernels::mix_experts(results.routed, order.slots.to(x.device()), weights.to(x.device()));
  if (trace != nullptr) {
    const std::vector<int64_t> ids(routing.ids.begin(), routing.ids.end());
    *trace = {matrix(routing, ids, at::kLong), weights};
  }
  if (shared_experts_) kernels::add_in_place(mixed, results.shared);
  return mixed;
}

}  // namespace spyhop
