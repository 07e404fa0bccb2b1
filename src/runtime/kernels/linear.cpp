#include "runtime/kernels/linear.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/linear_units.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/quantized_tile.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

constexpr int64_t kPrefetchBytes = 8192;                   // covers the latency of memory at a core's share of its bandwidth
constexpr int64_t kUnitsPerThread = 8;                     // enough for an even end
constexpr int64_t kSerialWork = int64_t{1} << 16;          // multiplications: below it a second thread costs more than it gives
constexpr int64_t kSerialQuantization = int64_t{1} << 14;  // elements, likewise

/// A tile of sums and where it goes.
template <typename T>
struct Target {
  const float* sums;  // [rows, 32]
  int64_t num_rows;
  int64_t num_columns;  // of y
  const T* bias;        // of the first column, or null
  T* y;
  int64_t y_stride;
};

template <typename T>
SPYHOP_INLINE void store_columns(const Target<T>& target, int64_t num_columns) {
  for (int64_t row = 0; row < target.num_rows; ++row) {
    const float* __restrict const sums = target.sums + row * kTileColumns;
    const T* __restrict const bias = target.bias;
    T* __restrict const y = target.y + row * target.y_stride;
    if (bias == nullptr) {
      for (int64_t i = 0; i < num_columns; ++i) y[i] = simd::from_float<T>(sums[i]);
    } else {
      for (int64_t i = 0; i < num_columns; ++i) y[i] = simd::from_float<T>(sums[i] + simd::to_float(bias[i]));
    }
  }
}

/// Of what is stored, while it is still in the cache.
template <typename T>
SPYHOP_INLINE void gelu_columns(const Target<T>& target, int64_t num_columns) {
  for (int64_t row = 0; row < target.num_rows; ++row) {
    T* __restrict const y = target.y + row * target.y_stride;
    for (int64_t i = 0; i < num_columns; ++i) y[i] = simd::from_float<T>(simd::gelu_tanh(simd::to_float(y[i])));
  }
}

template <typename T>
SPYHOP_INLINE void store_gated_columns(const Target<T>& target, int64_t num_columns) {
  for (int64_t row = 0; row < target.num_rows; ++row) {
    const float* __restrict const sums = target.sums + row * kTileColumns;
    T* __restrict const y = target.y + row * target.y_stride;
    for (int64_t i = 0; i < num_columns; ++i) {
      const float gate = simd::rounded<T>(sums[i]);
      const float up = simd::rounded<T>(sums[kHalfTile + i]);
      y[i] = simd::from_float<T>(simd::rounded<T>(simd::times_sigmoid(gate, gate)) * up);
    }
  }
}

// Nearly all panels are whole, and loops of a known length are twice as fast.

template <typename T>
SPYHOP_INLINE void store_loop(const Target<T>& target) {
  if (target.num_columns == kTileColumns) return store_columns(target, kTileColumns);
  store_columns(target, target.num_columns);
}

template <typename T>
SPYHOP_INLINE void gelu_loop(const Target<T>& target) {
  if (target.num_columns == kTileColumns) return gelu_columns(target, kTileColumns);
  gelu_columns(target, target.num_columns);
}

template <typename T>
SPYHOP_INLINE void store_gated_loop(const Target<T>& target) {
  if (target.num_columns == kHalfTile) return store_gated_columns(target, kHalfTile);
  store_gated_columns(target, target.num_columns);
}

SPYHOP_CLONES void store(const Target<Bf16>& target) {
  store_loop(target);
}
SPYHOP_CLONES void store(const Target<float>& target) {
  store_loop(target);
}
SPYHOP_CLONES void gelu(const Target<Bf16>& target) {
  gelu_loop(target);
}
SPYHOP_CLONES void gelu(const Target<float>& target) {
  gelu_loop(target);
}
SPYHOP_CLONES void store_gated(const Target<Bf16>& target) {
  store_gated_loop(target);
}
SPYHOP_CLONES void store_gated(const Target<float>& target) {
  store_gated_loop(target);
}

/// Memory to fetch while a tile is computed, a step for every 128 bytes of its panel.
struct Prefetch {
  const char* begin = nullptr;
  int64_t step_bytes = 0;
};

constexpr int64_t kBlockBytes = 2 * kHalfTileBytes;

/// The first tile of rows reads its panel from memory, and the beginning of the panel behind it. The others find it in the
/// cache and have time to fetch `next`, the panel that this thread is to get then.
Prefetch prefetch_for(const PackedMatrix& weight, int64_t panel, const char* next, int64_t index, int64_t num_tiles) {
  if (index == 0) return {weight.panel(panel) + kPrefetchBytes, kBlockBytes};
  if (next == nullptr) return {};
  const int64_t share = weight.shape().panel_bytes() / kBlockBytes / (num_tiles - 1);  // steps of the next panel
  return {next + (index - 1) * share * kBlockBytes, kBlockBytes / (num_tiles - 1)};
}

/// A task and its rows as its weight's tile takes them.
struct Product {
  LinearTask task;
  QuantizedRows quantized;  // defined for a quantized weight
};

/// The sums of some rows times one panel: [num_rows, 32].
void multiply(const Product& product, int64_t panel, int64_t row, int64_t num_rows, const Prefetch& prefetch, float* sums) {
  const PackedMatrix& weight = *product.task.weight;
  if (is_quantized(weight.shape().format)) {
    const QuantizedRows& rows = product.quantized;
    QuantizedTile tile;
    tile.a_row_bytes = rows.values.size(1);
    tile.a = simd::data<int8_t>(rows.values) + row * tile.a_row_bytes;
    tile.num_groups = rows.num_groups();
    tile.a_scales = simd::data<float>(rows.scales) + row * tile.num_groups;
    tile.a_offsets = simd::data<int32_t>(rows.offsets) + row * tile.num_groups;
    tile.num_rows = num_rows;
    tile.b = weight.panel(panel);
    tile.b_scales = weight.panel_scales(panel);
    tile.prefetch = prefetch.begin;
    tile.prefetch_step_bytes = prefetch.step_bytes;
    tile.c = sums;
    quantized_tile_function(weight.shape().format)(tile);
    return;
  }
  const char* const columns = weight.panel(panel);
  DotTile tile;
  tile.a = static_cast<const char*>(product.task.x) + row * product.task.x_row_bytes;
  tile.a_row_bytes = product.task.x_row_bytes;
  tile.num_rows = num_rows;
  tile.segments = &columns;
  tile.num_segments = 1;
  tile.steps = weight.shape().num_steps();
  tile.b_step_bytes = kBlockBytes;
  tile.b_second_bytes = kHalfTileBytes;
  tile.prefetch = prefetch.begin;
  tile.prefetch_step_bytes = prefetch.step_bytes;
  tile.c = sums;
  dot_tile_function(weight.shape().format == PackedFormat::kF32 ? at::kFloat : at::kBFloat16)(tile);
}

/// Rows [begin, end) times one panel; `next` is the panel to come, or null.
template <typename T>
void run_panel(const Product& product, int64_t panel, const char* next, int64_t begin, int64_t end) {
  const LinearTask& task = product.task;
  const PackedMatrix& weight = *task.weight;
  const int64_t first_column = panel * weight.shape().columns_per_panel();
  const int64_t num_columns = std::min(weight.shape().columns_per_panel(), weight.out() - first_column);
  const int64_t num_tiles = (end - begin - 1) / kMaxTileRows + 1;
  alignas(64) float sums[kMaxTileRows * kTileColumns];
  for (int64_t row = begin, index = 0; row < end; ++index) {
    const int64_t num_rows = (end - row - 1) / (num_tiles - index) + 1;  // of even size
    multiply(product, panel, row, num_rows, prefetch_for(weight, panel, next, index, num_tiles), sums);
    const Target<T> target{sums,
                           num_rows,
                           num_columns,
                           task.bias == nullptr ? nullptr : static_cast<const T*>(task.bias) + first_column,
                           reinterpret_cast<T*>(static_cast<char*>(task.y) + row * task.y_row_bytes) + first_column,
                           task.y_row_bytes / static_cast<int64_t>(sizeof(T))};
    if (weight.is_gated()) {
      store_gated(target);
    } else {
      store(target);
      if (task.activation == Activation::kGeluTanh) gelu(target);
    }
    row += num_rows;
  }
}

template <typename T>
void run_products(const std::vector<Product>& products) {
  std::vector<ProductSize> sizes;
  int64_t work = 0;
  for (const Product& product : products) {
    const PackedMatrix& weight = *product.task.weight;
    sizes.push_back({product.task.num_rows, weight.num_panels(), weight.shape().panel_bytes()});
    work += product.task.num_rows * weight.num_panels() * weight.shape().num_steps() * kTileColumns;
  }
  const auto num_threads = static_cast<size_t>(work > kSerialWork ? num_compute_threads() : 1);
  const std::vector<LinearUnit> units = cut_into_units(sizes, static_cast<int>(num_threads));
  const auto body = [&](int64_t index) {
    const LinearUnit& unit = units[static_cast<size_t>(index)];
    const size_t then = static_cast<size_t>(index) + num_threads;  // most likely this thread's
    const char* const first_then =
        then < units.size() ? products[units[then].product].task.weight->panel(units[then].first_panel) : nullptr;
    const int64_t end = unit.first_panel + unit.num_panels;
    for (int64_t panel = unit.first_panel; panel < end; ++panel) {
      const char* const next = panel + 1 < end ? products[unit.product].task.weight->panel(panel + 1) : first_then;
      run_panel<T>(products[unit.product], panel, next, unit.first_row, unit.first_row + unit.num_rows);
    }
  };
  if (num_threads > 1) {
    parallel_for(static_cast<int64_t>(units.size()), body);
  } else {
    for (size_t i = 0; i < units.size(); ++i) body(static_cast<int64_t>(i));
  }
}

int64_t element_bytes(at::ScalarType type) {
  return static_cast<int64_t>(at::elementSize(type));
}

/// Gives an odd number of bf16 inputs a zero behind: the last step would read the next row, whose value times the weight's zero
/// need not be zero. Returns what the task points to now.
std::vector<char> make_steps_whole(LinearTask& task) {
  const auto used = static_cast<size_t>(task.weight->in() * element_bytes(task.type));
  const auto row_bytes = static_cast<size_t>(task.weight->shape().num_steps() * kStepBytes);
  std::vector<char> rows(row_bytes * static_cast<size_t>(task.num_rows));
  for (size_t row = 0; row < static_cast<size_t>(task.num_rows); ++row) {
    const char* const from = static_cast<const char*>(task.x) + static_cast<int64_t>(row) * task.x_row_bytes;
    std::copy(from, from + used, rows.begin() + static_cast<std::ptrdiff_t>(row * row_bytes));
  }
  task.x = rows.data();
  task.x_row_bytes = static_cast<int64_t>(row_bytes);
  return rows;
}

bool reads_the_same(const LinearTask& a, const LinearTask& b) {
  return a.x == b.x && a.num_rows == b.num_rows && a.x_row_bytes == b.x_row_bytes && a.weight->in() == b.weight->in() &&
         a.weight->shape().format == b.weight->shape().format;
}

/// Quantizes what quantized weights are multiplied with; rows that several tasks read, once.
void quantize_inputs(std::vector<Product>& products) {
  std::vector<size_t> fresh;
  for (size_t i = 0; i < products.size(); ++i) {
    const LinearTask& task = products[i].task;
    if (!is_quantized(task.weight->shape().format) || task.num_rows == 0) continue;
    const bool is_known = !fresh.empty() && reads_the_same(products[fresh.back()].task, task);
    products[i].quantized =
        is_known ? products[fresh.back()].quantized : allocate_quantized_rows(task.num_rows, task.weight->in());
    if (!is_known) fresh.push_back(i);
  }
  for (const size_t i : fresh) {
    const LinearTask& task = products[i].task;
    const ActivationRows rows{static_cast<const char*>(task.x), task.x_row_bytes, task.num_rows, task.weight->in(), task.type};
    const auto body = [&](int64_t begin, int64_t end) {
      quantize_activations(rows, quantized_zero(task.weight->shape().format), begin, end, products[i].quantized);
    };
    if (task.num_rows * task.weight->in() > kSerialQuantization) {
      parallel_ranges(task.num_rows, 1, body);
    } else {
      body(0, task.num_rows);
    }
  }
}

}  // namespace

void linear(const std::vector<LinearTask>& tasks) {
  if (tasks.empty()) return;
  const at::ScalarType type = tasks.front().type;
  std::vector<Product> products;
  std::vector<std::vector<char>> copies;
  products.reserve(tasks.size());
  for (const LinearTask& task : tasks) {
    require(task.type == type, "linear takes one type");
    products.push_back({task, {}});
    if (is_quantized(task.weight->shape().format) || task.weight->in() * element_bytes(type) % kStepBytes == 0) continue;
    copies.push_back(make_steps_whole(products.back().task));
  }
  quantize_inputs(products);
  if (type == at::kFloat) {
    run_products<float>(products);
  } else {
    run_products<Bf16>(products);
  }
}

LinearTask linear_task(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& y) {
  require(x.dim() == 2 && x.size(1) == weight.in() && y.dim() == 2 && y.size(1) == weight.out() && y.size(0) == x.size(0),
          "linear's shapes do not fit");
  const PackedFormat format = weight.shape().format;
  require(is_compute_type(x) && (is_quantized(format) || plain_format(x.scalar_type()) == format) &&
              y.scalar_type() == x.scalar_type(),
          "linear takes one type");
  require(x.stride(1) == 1 && y.stride(1) == 1, "linear takes rows of adjacent elements");
  const int64_t bytes = element_bytes(x.scalar_type());
  LinearTask task;
  task.type = x.scalar_type();
  task.x = x.data_ptr();
  task.x_row_bytes = x.stride(0) * bytes;
  task.num_rows = x.size(0);
  task.weight = &weight;
  task.y = y.data_ptr();
  task.y_row_bytes = y.stride(0) * bytes;
  return task;
}

LinearTask rows_of_task(const LinearTask& task, int64_t first, int64_t count) {
  require(first >= 0 && count >= 0 && first + count <= task.num_rows, "rows that a task has");
  LinearTask rows = task;
  rows.x = static_cast<const char*>(task.x) + first * task.x_row_bytes;
  rows.y = static_cast<char*>(task.y) + first * task.y_row_bytes;
  rows.num_rows = count;
  return rows;
}

at::Tensor linear(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& bias, Activation activation) {
  require(x.dim() == 2 && x.size(1) == weight.in(), "linear's shapes do not fit");
  require(!bias.defined() || (bias.numel() == weight.out() && bias.scalar_type() == x.scalar_type() && bias.is_contiguous()),
          "linear's bias does not fit");
  at::Tensor y = at::empty({x.size(0), weight.out()}, x.options());
  // The elements of a single column are adjacent whatever its stride says.
  const at::Tensor rows = x.stride(1) == 1 ? x : x.contiguous();
  LinearTask task = linear_task(rows, weight, y);
  if (bias.defined()) task.bias = bias.data_ptr();
  task.activation = activation;
  linear(std::vector<LinearTask>{task});
  return y;
}

at::Tensor linear_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor wide_bias = bias.defined() ? bias.to(at::kFloat) : bias;
  return at::linear(x.to(at::kFloat), weight.to(at::kFloat), wide_bias).to(x.scalar_type());
}

}  // namespace spyhop::kernels
