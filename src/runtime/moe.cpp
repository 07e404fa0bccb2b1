#include "runtime/moe.h"

#include <ATen/ATen.h>

#include "runtime/kernels/activation.h"
#include "runtime/kernels/check.h"
#include "runtime/kernels/gemv.h"
#include "runtime/kernels/mix_experts.h"

namespace spyhop {
namespace {

/// The (token, choice) pairs ordered by expert.
struct Order {
  std::vector<int64_t> counts;  // [num_experts] pairs of each expert
  std::vector<int64_t> tokens;  // [num_tokens * k] in expert order
  std::vector<int64_t> slots;   // [num_tokens, k] place of each pair in that order
};

Order order_by_expert(const Routing& routing, size_t num_experts) {
  Order order;
  order.counts.assign(num_experts, 0);
  for (const int32_t id : routing.ids) ++order.counts[static_cast<size_t>(id)];
  std::vector<int64_t> next(num_experts, 0);
  for (size_t i = 1; i < num_experts; ++i) next[i] = next[i - 1] + order.counts[i - 1];
  order.tokens.resize(routing.ids.size());
  order.slots.resize(routing.ids.size());
  for (size_t i = 0; i < routing.ids.size(); ++i) {
    const int64_t slot = next[static_cast<size_t>(routing.ids[i])]++;
    order.slots[i] = slot;
    order.tokens[static_cast<size_t>(slot)] = static_cast<int64_t>(i) / routing.k;
  }
  return order;
}

at::Tensor matrix(const std::vector<int64_t>& values, int64_t rows, int64_t columns) {
  return at::tensor(values, at::kLong).view({rows, columns});
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

/// rows: [num_tokens * k, hidden] in expert order. Experts with many rows run one after the other as matrix products; those
/// with few are bound by reading their weights and run together.
at::Tensor Moe::run_experts(const at::Tensor& rows, const std::vector<Group>& groups) const {
  const at::Tensor out = at::empty_like(rows);
  std::vector<Group> small;
  int64_t num_small = 0;
  for (const Group& group : groups) {
    if (group.count <= kernels::kMaxGemvRows && on_cpu(rows)) {
      small.push_back(group);
      num_small += group.count;
    } else {
      out.narrow(0, group.first, group.count).copy_(group.expert->forward(rows.narrow(0, group.first, group.count)));
    }
  }
  if (small.empty()) return out;

  const int64_t width = small.front().expert->gate().size(0);
  const at::Tensor gate = at::empty({num_small, width}, rows.options());
  const at::Tensor up = at::empty_like(gate);
  std::vector<kernels::GemvTask> tasks;
  int64_t first = 0;
  for (const Group& group : small) {
    const at::Tensor x = rows.narrow(0, group.first, group.count);
    tasks.push_back({x, group.expert->gate(), {}, gate.narrow(0, first, group.count)});
    tasks.push_back({x, group.expert->up(), {}, up.narrow(0, first, group.count)});
    first += group.count;
  }
  kernels::gemv(tasks);
  const at::Tensor hidden = kernels::silu_mul(gate, up);
  tasks.clear();
  first = 0;
  for (const Group& group : small) {
    tasks.push_back({hidden.narrow(0, first, group.count), group.expert->down(), {}, out.narrow(0, group.first, group.count)});
    first += group.count;
  }
  kernels::gemv(tasks);
  return out;
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
  const at::Tensor weights = at::tensor(routing.weights, at::kFloat).view({routing.num_tokens, routing.k});
  const at::Tensor rows = x.index_select(0, at::tensor(order.tokens, at::kLong).to(x.device()));
  const at::Tensor slots = matrix(order.slots, routing.num_tokens, routing.k);
  at::Tensor mixed = kernels::mix_experts(run_experts(rows, groups), slots.to(x.device()), weights.to(x.device()));
  if (trace != nullptr) {
    const std::vector<int64_t> ids(routing.ids.begin(), routing.ids.end());
    *trace = {matrix(ids, routing.num_tokens, routing.k), weights};
  }
  return shared_experts_ ? mixed.add_(shared_experts_->forward(x)) : mixed;
}

}  // namespace spyhop
