#include "runtime/kernels/linear.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

constexpr int64_t kPrefetchBytes = 8192;           // covers the latency of memory at a core's share of its bandwidth
constexpr int64_t kUnitsPerThread = 8;             // enough for an even end
constexpr int64_t kSerialWork = int64_t{1} << 16;  // multiplications: below it a second thread costs more than it gives

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
SPYHOP_INLINE void store_loop(const Target<T>& target) {
  for (int64_t row = 0; row < target.num_rows; ++row) {
    const float* const sums = target.sums + row * kTileColumns;
    T* const y = target.y + row * target.y_stride;
    if (target.bias == nullptr) {
      for (int64_t i = 0; i < target.num_columns; ++i) y[i] = simd::from_float<T>(sums[i]);
    } else {
      for (int64_t i = 0; i < target.num_columns; ++i) y[i] = simd::from_float<T>(sums[i] + simd::to_float(target.bias[i]));
    }
  }
}

template <typename T>
SPYHOP_INLINE void store_gated_loop(const Target<T>& target) {
  for (int64_t row = 0; row < target.num_rows; ++row) {
    const float* const sums = target.sums + row * kTileColumns;
    T* const y = target.y + row * target.y_stride;
    for (int64_t i = 0; i < target.num_columns; ++i) {
      const float gate = simd::rounded<T>(sums[i]);
      const float up = simd::rounded<T>(sums[kHalfTile + i]);
      y[i] = simd::from_float<T>(simd::rounded<T>(simd::times_sigmoid(gate, gate)) * up);
    }
  }
}

SPYHOP_CLONES void store(const Target<Bf16>& target) {
  store_loop(target);
}
SPYHOP_CLONES void store(const Target<float>& target) {
  store_loop(target);
}
SPYHOP_CLONES void store_gated(const Target<Bf16>& target) {
  store_gated_loop(target);
}
SPYHOP_CLONES void store_gated(const Target<float>& target) {
  store_gated_loop(target);
}

/// The first tile of rows reads its panel from memory, the others find it in the cache and have time to fetch the panel that this
/// thread is likely to get next.
void prefetch_for(DotTile& tile, const PackedMatrix& weight, int64_t panel, int64_t index, int64_t num_tiles) {
  constexpr int64_t kPanelStepBytes = 2 * kHalfTileBytes;
  const int64_t next = panel + num_compute_threads();
  if (index == 0) {
    tile.prefetch = weight.panel(panel) + kPrefetchBytes;
    tile.prefetch_step_bytes = kPanelStepBytes;
  } else if (next < weight.num_panels()) {
    const int64_t share = weight.num_steps() / (num_tiles - 1);  // steps of the next panel
    tile.prefetch = weight.panel(next) + (index - 1) * share * kPanelStepBytes;
    tile.prefetch_step_bytes = kPanelStepBytes / (num_tiles - 1);
  } else {
    tile.prefetch_step_bytes = 0;
  }
}

/// Rows [begin, end) times one panel.
template <typename T>
void run_panel(const LinearTask& task, int64_t panel, int64_t begin, int64_t end, DotTileFunction dot_tile) {
  const PackedMatrix& weight = *task.weight;
  const char* const columns = weight.panel(panel);
  const int64_t first_column = panel * weight.columns_per_panel();
  alignas(64) float sums[kMaxTileRows * kTileColumns];
  DotTile tile;
  tile.a_row_bytes = task.x_row_bytes;
  tile.segments = &columns;
  tile.num_segments = 1;
  tile.steps = weight.num_steps();
  tile.b_step_bytes = 2 * kHalfTileBytes;
  tile.b_second_bytes = kHalfTileBytes;
  tile.c = sums;
  const int64_t num_tiles = (end - begin - 1) / kMaxTileRows + 1;
  for (int64_t row = begin, index = 0; row < end; row += tile.num_rows, ++index) {
    tile.num_rows = (end - row - 1) / (num_tiles - index) + 1;  // of even size
    prefetch_for(tile, weight, panel, index, num_tiles);
    tile.a = static_cast<const char*>(task.x) + row * task.x_row_bytes;
    dot_tile(tile);
    const Target<T> target{sums,
                           tile.num_rows,
                           std::min(weight.columns_per_panel(), weight.out() - first_column),
                           task.bias == nullptr ? nullptr : static_cast<const T*>(task.bias) + first_column,
                           reinterpret_cast<T*>(static_cast<char*>(task.y) + row * task.y_row_bytes) + first_column,
                           task.y_row_bytes / static_cast<int64_t>(sizeof(T))};
    if (weight.is_gated()) {
      store_gated(target);
    } else {
      store(target);
    }
  }
}

/// The tasks cut into panels times blocks of rows, numbered through.
struct Plan {
  const std::vector<LinearTask>& tasks;
  std::vector<int64_t> first_unit;  // [tasks + 1]
  std::vector<int64_t> block_rows;  // [tasks]
  int64_t work = 0;

  explicit Plan(const std::vector<LinearTask>& all) : tasks(all), first_unit{0} {
    int64_t num_panels = 0;
    for (const LinearTask& task : tasks) {
      num_panels += task.num_rows > 0 ? task.weight->num_panels() : 0;
      work += task.num_rows * task.weight->num_panels() * task.weight->num_steps() * kTileColumns;
    }
    const int64_t wanted = kUnitsPerThread * num_compute_threads();
    const int64_t num_blocks = num_panels == 0 ? 1 : (wanted - 1) / num_panels + 1;
    for (const LinearTask& task : tasks) {
      const int64_t num_tiles = (task.num_rows + kMaxTileRows - 1) / kMaxTileRows;
      const int64_t rows = std::max<int64_t>(1, (num_tiles + num_blocks - 1) / num_blocks) * kMaxTileRows;
      block_rows.push_back(rows);
      first_unit.push_back(first_unit.back() + task.weight->num_panels() * ((task.num_rows + rows - 1) / rows));
    }
  }

  template <typename T>
  void run_unit(int64_t unit, DotTileFunction dot_tile) const {
    const auto after = std::upper_bound(first_unit.begin(), first_unit.end(), unit);
    const auto index = static_cast<size_t>(after - first_unit.begin() - 1);
    const LinearTask& task = tasks[index];
    const int64_t num_blocks = (task.num_rows + block_rows[index] - 1) / block_rows[index];
    const int64_t local = unit - first_unit[index];
    const int64_t begin = local % num_blocks * block_rows[index];
    run_panel<T>(task, local / num_blocks, begin, std::min(begin + block_rows[index], task.num_rows), dot_tile);
  }
};

template <typename T>
void run_plan(const Plan& plan, DotTileFunction dot_tile) {
  const int64_t num_units = plan.first_unit.back();
  const auto body = [&plan, dot_tile](int64_t unit) { plan.run_unit<T>(unit, dot_tile); };
  if (plan.work > kSerialWork) {
    parallel_for(num_units, body);
  } else {
    for (int64_t unit = 0; unit < num_units; ++unit) body(unit);
  }
}

int64_t element_bytes(at::ScalarType type) {
  return static_cast<int64_t>(at::elementSize(type));
}

/// Gives an odd number of bf16 inputs a zero behind: the last step would read the next row, whose value times the weight's zero
/// need not be zero. Returns what the task points to now.
std::vector<char> make_steps_whole(LinearTask& task) {
  const auto used = static_cast<size_t>(task.weight->in() * element_bytes(task.weight->type()));
  const auto row_bytes = static_cast<size_t>(task.weight->num_steps() * kStepBytes);
  std::vector<char> rows(row_bytes * static_cast<size_t>(task.num_rows));
  for (size_t row = 0; row < static_cast<size_t>(task.num_rows); ++row) {
    const char* const from = static_cast<const char*>(task.x) + static_cast<int64_t>(row) * task.x_row_bytes;
    std::copy(from, from + used, rows.begin() + static_cast<std::ptrdiff_t>(row * row_bytes));
  }
  task.x = rows.data();
  task.x_row_bytes = static_cast<int64_t>(row_bytes);
  return rows;
}

}  // namespace

void linear(const std::vector<LinearTask>& tasks) {
  if (tasks.empty()) return;
  const at::ScalarType type = tasks.front().weight->type();
  std::vector<LinearTask> whole = tasks;
  std::vector<std::vector<char>> copies;
  for (LinearTask& task : whole) {
    require(task.weight->type() == type, "linear takes one type");
    if (task.weight->in() * element_bytes(type) % kStepBytes != 0) copies.push_back(make_steps_whole(task));
  }
  const Plan plan(whole);
  if (type == at::kFloat) {
    run_plan<float>(plan, dot_tile_function(type));
  } else {
    run_plan<Bf16>(plan, dot_tile_function(type));
  }
}

LinearTask linear_task(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& y) {
  require(x.dim() == 2 && x.size(1) == weight.in() && y.dim() == 2 && y.size(1) == weight.out() && y.size(0) == x.size(0),
          "linear's shapes do not fit");
  require(x.scalar_type() == weight.type() && y.scalar_type() == weight.type(), "linear takes one type");
  require(x.stride(1) == 1 && y.stride(1) == 1, "linear takes rows of adjacent elements");
  const int64_t bytes = element_bytes(x.scalar_type());
  return {x.data_ptr(), x.stride(0) * bytes, x.size(0), &weight, nullptr, y.data_ptr(), y.stride(0) * bytes};
}

at::Tensor linear(const at::Tensor& x, const PackedMatrix& weight, const at::Tensor& bias) {
  require(x.dim() == 2 && x.size(1) == weight.in(), "linear's shapes do not fit");
  require(!bias.defined() || (bias.numel() == weight.out() && bias.scalar_type() == x.scalar_type() && bias.is_contiguous()),
          "linear's bias does not fit");
  at::Tensor y = at::empty({x.size(0), weight.out()}, x.options());
  // The elements of a single column are adjacent whatever its stride says.
  const at::Tensor rows = x.stride(1) == 1 ? x : x.contiguous();
  LinearTask task = linear_task(rows, weight, y);
  if (bias.defined()) task.bias = bias.data_ptr();
  linear(std::vector<LinearTask>{task});
  return y;
}

at::Tensor linear_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor wide_bias = bias.defined() ? bias.to(at::kFloat) : bias;
  return at::linear(x.to(at::kFloat), weight.to(at::kFloat), wide_bias).to(x.scalar_type());
}

}  // namespace spyhop::kernels
