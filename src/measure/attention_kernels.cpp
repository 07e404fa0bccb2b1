// Attention at the shapes of the three sizes.
#include <ATen/ATen.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "measure/kernel_bench.h"
#include "runtime/attention.h"
#include "runtime/kernels/attend.h"
#include "runtime/kv_cache.h"

namespace spyhop {
namespace {

constexpr int kBlockTokens = 16;
constexpr int64_t kPromptTokens = 512;

/// Attention as the kernel sees it: latent attention has one key head, whose rows are the values too.
struct AttentionShape {
  std::vector<kernels::RowKind> rows;
  int64_t num_heads = 0;
  int64_t key_dim = 0;
  int64_t value_dim = 0;

  explicit AttentionShape(const LanguageConfig& config) : rows(kv_row_kinds(config)), num_heads(config.num_heads) {
    key_dim = rows.front().dim;
    value_dim = config.use_mla ? config.kv_lora_rank : key_dim;
  }

  double operations(int64_t num_pairs) const {
    return 2.0 * static_cast<double>(num_heads * (key_dim + value_dim) * num_pairs);
  }
};

at::Tensor random_rows(std::vector<int64_t> shape) {
  return at::rand(shape, at::TensorOptions().dtype(at::kFloat)).sub_(0.5).to(at::kBFloat16);
}

/// A layer's cache, filled with sequences of one length.
class CachedSequences {
 public:
  CachedSequences(const AttentionShape& shape, int64_t num_sequences, int64_t length)
      : shape_(shape), length_(length), tables_(static_cast<size_t>(num_sequences)) {
    const int64_t blocks_each = (length - 1) / kBlockTokens + 1;
    for (size_t i = 0; i < tables_.size(); ++i) {
      tables_[i].resize(static_cast<size_t>(blocks_each));
      std::iota(tables_[i].begin(), tables_[i].end(), static_cast<int32_t>(static_cast<int64_t>(i) * blocks_each));
    }
    const KvCacheShape cache_shape{1, static_cast<int>(num_sequences * blocks_each), kBlockTokens, shape.rows};
    cache_ = std::make_unique<KvCache>(cache_shape, at::TensorOptions().dtype(at::kBFloat16));
    for (size_t kind = 0; kind < shape.rows.size(); ++kind) {
      const at::Tensor rows = random_rows({length, shape.rows[kind].width()});
      for (const std::vector<int32_t>& table : tables_) cache_->layer(0)[kind].write(table, 0, rows);
      const kernels::PagedRows paged = cache_->layer(0)[kind].paged();
      regions_.push_back({paged.data, cache_shape.num_blocks * paged.block_bytes()});
    }
  }

  const std::vector<MemoryRegion>& regions() const { return regions_; }

  /// Queries at the last positions of `batch` sequences at a time, until all have been read.
  std::function<void()> attend(int64_t batch, int64_t num_queries) const {
    kernels::AttendInput input;
    input.queries = random_rows({batch * num_queries, shape_.num_heads, shape_.key_dim});
    input.keys = cache_->layer(0).front().paged();
    input.values = cache_->layer(0).back().paged();
    input.value_dim = shape_.value_dim;
    input.scale = 1.0 / std::sqrt(static_cast<double>(shape_.key_dim));
    return [this, input, batch, num_queries]() mutable {
      for (size_t first = 0; first < tables_.size(); first += static_cast<size_t>(batch)) {
        input.spans.clear();
        for (int64_t i = 0; i < batch; ++i) {
          input.spans.push_back(
              {i * num_queries, num_queries, length_ - num_queries, &tables_[first + static_cast<size_t>(i)]});
        }
        kernels::attend(input);
      }
    };
  }

 private:
  AttentionShape shape_;
  int64_t length_;
  std::vector<std::vector<int32_t>> tables_;
  std::unique_ptr<KvCache> cache_;
  std::vector<MemoryRegion> regions_;
};

void bench_decode(const KernelBench& bench, const std::string& prefix, const AttentionShape& shape) {
  const int64_t context = bench.options.context;
  const auto name = [&](int64_t batch) {
    return prefix + ".attention.decode at " + std::to_string(context) + " x" + std::to_string(batch);
  };
  const std::vector<int64_t> batches = {1, 8};
  if (!bench.wants(name(batches.front())) && !bench.wants(name(batches.back()))) return;
  int64_t width = 0;
  for (const kernels::RowKind& kind : shape.rows) width += kind.width();
  const int64_t bytes_each = width * context * static_cast<int64_t>(sizeof(at::BFloat16));
  const int64_t num_sequences = (bench.options.least_bytes / bytes_each / batches.back() + 1) * batches.back();
  const CachedSequences cached(shape, num_sequences, context);
  for (const int64_t batch : batches) {
    if (!bench.wants(name(batch))) continue;
    bench.measure(
        {name(batch), cached.attend(batch, 1), cached.regions(), shape.operations(num_sequences * context), Arithmetic::kBf16});
  }
}

void bench_prompt(const KernelBench& bench, const std::string& prefix, const AttentionShape& shape) {
  const std::string name = prefix + ".attention.prefill x" + std::to_string(kPromptTokens);
  if (!bench.wants(name)) return;
  const CachedSequences cached(shape, 1, kPromptTokens);
  const int64_t num_pairs = kPromptTokens * (kPromptTokens + 1) / 2;
  bench.measure({name, cached.attend(1, kPromptTokens), cached.regions(), shape.operations(num_pairs), Arithmetic::kBf16});
}

void bench_tile(const KernelBench& bench, const VisionConfig& vision) {
  const int64_t length = vision.num_patches();
  const std::string name = "vision.attention x" + std::to_string(length);
  if (!bench.wants(name)) return;
  const at::Tensor qkv = random_rows({length, 3, vision.num_heads, vision.head_dim()});
  const kernels::FullAttendInput input{qkv.select(1, 0), qkv.select(1, 1), qkv.select(1, 2),
                                       1.0 / std::sqrt(static_cast<double>(vision.head_dim()))};
  bench.measure({name,
                 [&] { kernels::attend_full(input); },
                 {{static_cast<const char*>(qkv.data_ptr()), static_cast<int64_t>(qkv.nbytes())}},
                 4.0 * static_cast<double>(length * length * vision.width),
                 Arithmetic::kBf16});
}

}  // namespace

void bench_attention_kernels(const KernelBench& bench) {
  for (const std::string& size : bench.options.sizes) {
    const AttentionShape shape(bench_model(size).language);
    bench_prompt(bench, size, shape);
    bench_decode(bench, size, shape);
  }
  bench_tile(bench, bench_model(bench.options.sizes.front()).vision);
}

}  // namespace spyhop
