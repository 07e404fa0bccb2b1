#include "runtime/kernels/attend.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "runtime/kernels/check.h"
#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

using simd::Bf16;

/// Rows (queries times the heads that share a key head) of a unit of work. Keys that have to be turned first are turned once
/// for all of them; otherwise the fewer the better the scores fit the cache.
constexpr int64_t kUnitRows = kMaxTileRows;
constexpr int64_t kUnitRowsOfTurnedKeys = 4 * kMaxTileRows;

/// Turns `count` products of query and key, a multiple of 32, into probabilities: rounds them, scales them and rounds again,
/// then takes the softmax. The sums' order does not depend on how many products of minus infinity follow.
template <typename T>
SPYHOP_INLINE void softmax_loop(float* __restrict scores, int64_t count, float scale, T* __restrict probabilities) {
  float top = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = simd::rounded<T>(simd::rounded<T>(scores[i]) * scale);
    top = scores[i] > top ? scores[i] : top;
  }
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) {
    scores[i] = simd::exp_approx(scores[i] - top);
    sum += scores[i];
  }
  const float inverse = 1.0F / sum;
  for (int64_t i = 0; i < count; ++i) probabilities[i] = simd::from_float<T>(scores[i] * inverse);
}

SPYHOP_CLONES void softmax_row(float* scores, int64_t count, float scale, Bf16* probabilities) {
  softmax_loop(scores, count, scale, probabilities);
}
SPYHOP_CLONES void softmax_row(float* scores, int64_t count, float scale, float* probabilities) {
  softmax_loop(scores, count, scale, probabilities);
}

template <typename T>
SPYHOP_INLINE void round_loop(const float* sums, int64_t count, T* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = simd::from_float<T>(sums[i]);
}

SPYHOP_CLONES void round_row(const float* sums, int64_t count, Bf16* out) {
  round_loop(sums, count, out);
}
SPYHOP_CLONES void round_row(const float* sums, int64_t count, float* out) {
  round_loop(sums, count, out);
}

int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

/// Some rows of one sequence and key head: row r is query r / group with head kv_head * group + r % group.
struct Unit {
  const AttendSpan* span;
  int64_t kv_head;
  int64_t first_row;
  int64_t num_rows;
};

/// Kept from unit to unit of a thread.
struct Scratch {
  std::vector<char> queries, turned, probabilities;
  std::vector<float> scores;
  std::vector<const char*> groups;

  static char* grown(std::vector<char>& buffer, int64_t size) {
    if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(static_cast<size_t>(size));
    return buffer.data();
  }
};

/// One unit of work, in three steps.
template <typename T>
class UnitRun {
 public:
  UnitRun(const AttendInput& input, const Unit& unit, const at::Tensor& out, Scratch& scratch)
      : input_(input),
        unit_(unit),
        out_(out),
        scratch_(scratch),
        group_(input.queries.size(1) / input.keys.kind.num_heads),
        key_dim_(input.queries.size(2)),
        last_visible_(visible_keys(unit.first_row + unit.num_rows - 1)),
        num_groups_(round_up(last_visible_, kGroupTokens) / kGroupTokens),
        padded_keys_(round_up(last_visible_, kTileColumns)),
        dot_tile_(dot_tile_function(input.queries.scalar_type())) {
    scratch_.scores.resize(
        static_cast<size_t>(std::max<int64_t>(static_cast<int64_t>(scratch_.scores.size()), unit.num_rows * padded_keys_)));
    probabilities_ = reinterpret_cast<T*>(
        Scratch::grown(scratch_.probabilities, unit.num_rows * padded_keys_ * static_cast<int64_t>(sizeof(T))));
  }

  void run() {
    compute_scores();
    for (int64_t row = 0; row < unit_.num_rows; ++row) {
      float* const scores = scratch_.scores.data() + row * padded_keys_;
      std::fill(scores + visible_keys(unit_.first_row + row), scores + padded_keys_, -std::numeric_limits<float>::infinity());
      softmax_row(scores, padded_keys_, static_cast<float>(input_.scale), probabilities_ + row * padded_keys_);
    }
    mix_values();
  }

 private:
  int64_t visible_keys(int64_t row) const {
    return input_.num_keys > 0 ? input_.num_keys : unit_.span->first_position + row / group_ + 1;
  }

  /// The rows of the unit one behind the other.
  const char* gather_queries() {
    const int64_t row_bytes = key_dim_ * static_cast<int64_t>(sizeof(T));
    char* const rows = Scratch::grown(scratch_.queries, unit_.num_rows * row_bytes);
    const auto* const queries = static_cast<const char*>(input_.queries.data_ptr());
    const int64_t query_bytes = input_.queries.stride(0) * static_cast<int64_t>(sizeof(T));
    for (int64_t row = 0; row < unit_.num_rows; ++row) {
      const int64_t index = unit_.first_row + row;
      const int64_t head = unit_.kv_head * group_ + index % group_;
      std::memcpy(rows + row * row_bytes, queries + (unit_.span->first_row + index / group_) * query_bytes + head * row_bytes,
                  static_cast<size_t>(row_bytes));
    }
    return rows;
  }

  const char* head_of_group(const PagedRows& rows, int64_t index) const {
    return rows.group(*unit_.span->block_table, index) + unit_.kv_head * rows.head_bytes();
  }

  /// Two groups of 16 keys at a time.
  void compute_scores() {
    const char* const queries = gather_queries();
    const int64_t head_bytes = input_.keys.head_bytes();
    char* const turned = Scratch::grown(scratch_.turned, 2 * head_bytes);
    DotTile tile;
    tile.a_row_bytes = key_dim_ * static_cast<int64_t>(sizeof(T));
    tile.num_segments = 1;
    tile.steps = input_.keys.steps_per_token();
    tile.b_step_bytes = kHalfTileBytes;
    tile.c_stride = padded_keys_;
    for (int64_t index = 0; index < num_groups_; index += 2) {
      const char* const first = keys_of_group(input_.keys, head_of_group(input_.keys, index), turned);
      const char* const second = index + 1 == num_groups_
                                     ? first
                                     : keys_of_group(input_.keys, head_of_group(input_.keys, index + 1), turned + head_bytes);
      tile.segments = &first;
      tile.prefetch = first;
      tile.b_second_bytes = second - first;
      for (int64_t row = 0; row < unit_.num_rows; row += kMaxTileRows) {
        tile.num_rows = std::min(kMaxTileRows, unit_.num_rows - row);
        tile.a = queries + row * tile.a_row_bytes;
        tile.c = scratch_.scores.data() + row * padded_keys_ + index * kGroupTokens;
        dot_tile_(tile);
      }
    }
  }

  /// 32 numbers of the values at a time, summed over all groups of tokens.
  void mix_values() {
    alignas(64) float sums[kMaxTileRows * kTileColumns];
    scratch_.groups.clear();
    for (int64_t index = 0; index < num_groups_; ++index) scratch_.groups.push_back(head_of_group(input_.values, index));
    DotTile tile;
    tile.a_row_bytes = padded_keys_ * static_cast<int64_t>(sizeof(T));
    tile.segments = scratch_.groups.data();
    tile.num_segments = num_groups_;
    tile.prefetch = scratch_.groups.front();
    tile.steps = kGroupTokens * static_cast<int64_t>(sizeof(T)) / kStepBytes;
    tile.b_step_bytes = input_.values.kind.dim * kStepBytes;
    tile.b_second_bytes = kHalfTileBytes;
    tile.c = sums;
    for (int64_t row = 0; row < unit_.num_rows; row += kMaxTileRows) {
      tile.num_rows = std::min(kMaxTileRows, unit_.num_rows - row);
      tile.a = reinterpret_cast<const char*>(probabilities_ + row * padded_keys_);
      for (int64_t column = 0; column < input_.value_dim; column += kTileColumns) {
        const int64_t count = std::min(kTileColumns, input_.value_dim - column);
        tile.segment_offset = column * kStepBytes;
        tile.is_half = count <= kHalfTile;
        dot_tile_(tile);
        for (int64_t i = 0; i < tile.num_rows; ++i) {
          round_row(sums + i * kTileColumns, count, out_row(unit_.first_row + row + i) + column);
        }
      }
    }
  }

  T* out_row(int64_t row) const {
    const int64_t head = unit_.kv_head * group_ + row % group_;
    return simd::mutable_data<T>(out_) + (unit_.span->first_row + row / group_) * out_.size(1) + head * input_.value_dim;
  }

  const AttendInput& input_;
  const Unit& unit_;
  const at::Tensor& out_;
  Scratch& scratch_;
  int64_t group_;
  int64_t key_dim_;
  int64_t last_visible_;
  int64_t num_groups_;
  int64_t padded_keys_;
  DotTileFunction dot_tile_;
  T* probabilities_ = nullptr;
};

std::vector<Unit> cut(const AttendInput& input) {
  const int64_t group = input.queries.size(1) / input.keys.kind.num_heads;
  const int64_t rows_at_a_time = input.keys.kind.layout == RowLayout::kKeys ? kUnitRows : kUnitRowsOfTurnedKeys;
  std::vector<Unit> units;
  for (const AttendSpan& span : input.spans) {
    const int64_t num_rows = span.num_queries * group;
    // The last queries see most keys: begun first, so that no thread ends on them alone.
    for (int64_t end = num_rows; end > 0; end -= std::min(end, rows_at_a_time)) {
      const int64_t count = std::min(end, rows_at_a_time);
      for (int64_t head = 0; head < input.keys.kind.num_heads; ++head) units.push_back({&span, head, end - count, count});
    }
  }
  return units;
}

template <typename T>
void run_units(const AttendInput& input, const at::Tensor& out) {
  const std::vector<Unit> units = cut(input);
  parallel_for(static_cast<int64_t>(units.size()), [&](int64_t index) {
    thread_local Scratch scratch;
    UnitRun<T>(input, units[static_cast<size_t>(index)], out, scratch).run();
  });
}

/// The rows of a tensor [length, num_heads, dim] as one block of a cache of its own.
class TemporaryRows {
 public:
  TemporaryRows(const at::Tensor& rows, RowLayout layout) {
    const int64_t length = rows.size(0);
    const int64_t num_groups = round_up(length, kGroupTokens) / kGroupTokens;
    paged_.kind = {layout, rows.size(1), rows.size(2)};
    paged_.type = rows.scalar_type();
    paged_.block_tokens = num_groups * kGroupTokens;
    memory_ = at::empty({paged_.block_bytes() + kPagedRowsSlack}, at::TensorOptions().dtype(at::kByte));
    paged_.data = static_cast<char*>(memory_.data_ptr());
    const int64_t row_bytes = rows.stride(0) * static_cast<int64_t>(rows.element_size());
    write_rows(paged_, {0}, 0, {static_cast<char*>(rows.data_ptr()), row_bytes, length});
  }

  const PagedRows& paged() const { return paged_; }

 private:
  at::Tensor memory_;
  PagedRows paged_;
};

void check(const AttendInput& input) {
  const at::Tensor& queries = input.queries;
  require(queries.dim() == 3 && on_cpu(queries) && is_compute_type(queries), "attend takes [rows, heads, dim] on the CPU");
  require(queries.stride(2) == 1 && queries.stride(1) == queries.size(2), "attend takes queries of adjacent elements");
  require(queries.size(1) % input.keys.kind.num_heads == 0 && input.keys.kind.num_heads == input.values.kind.num_heads,
          "attend's key heads must divide the query heads");
  require(queries.size(2) == input.keys.kind.dim && input.value_dim <= input.values.kind.dim &&
              input.values.kind.layout == RowLayout::kValues,
          "attend's cache does not fit the query");
  require(input.keys.type == queries.scalar_type() && input.values.type == queries.scalar_type(), "attend takes one type");
  for (const AttendSpan& span : input.spans) {
    const int64_t num_keys = input.num_keys > 0 ? input.num_keys : span.first_position + span.num_queries;
    const auto capacity = static_cast<int64_t>(span.block_table->size()) * input.keys.block_tokens;
    require(num_keys <= capacity, "attend reads past the block table");
    require(span.first_row + span.num_queries <= queries.size(0), "attend's spans do not fit the queries");
  }
}

}  // namespace

at::Tensor attend_aten(const AttendAtenInput& input) {
  const int64_t group = input.queries.size(1) / input.keys.size(1);
  const at::Tensor queries = input.queries.permute({1, 0, 2});
  const at::Tensor keys = input.keys.repeat_interleave(group, 1).permute({1, 2, 0});
  const at::Tensor values = input.values.repeat_interleave(group, 1).permute({1, 0, 2});
  at::Tensor scores = at::matmul(queries, keys) * input.scale;
  if (input.causal) {
    const int64_t first_position = input.keys.size(0) - input.queries.size(0);
    const at::Tensor hidden = at::ones({scores.size(1), scores.size(2)}, scores.options().dtype(at::kBool));
    scores.masked_fill_(hidden.triu(first_position + 1), -std::numeric_limits<double>::infinity());
  }
  const at::Tensor probabilities = at::softmax(scores, -1, at::kFloat).to(scores.scalar_type());
  return at::matmul(probabilities, values).permute({1, 0, 2}).reshape({input.queries.size(0), -1});
}

at::Tensor attend(const AttendInput& input) {
  check(input);
  at::Tensor out = at::empty({input.queries.size(0), input.queries.size(1) * input.value_dim}, input.queries.options());
  if (input.queries.scalar_type() == at::kFloat) {
    run_units<float>(input, out);
  } else {
    run_units<Bf16>(input, out);
  }
  return out;
}

at::Tensor attend_full(const FullAttendInput& input) {
  if (!on_cpu(input.queries) || !is_compute_type(input.queries))
    return attend_aten({input.queries, input.keys, input.values, input.scale, /*causal=*/false});
  const TemporaryRows keys(input.keys, RowLayout::kKeys);
  const TemporaryRows values(input.values, RowLayout::kValues);
  const std::vector<int32_t> table{0};
  const int64_t length = input.queries.size(0);
  return attend({input.queries,
                 keys.paged(),
                 values.paged(),
                 input.values.size(2),
                 input.scale,
                 {{0, length, 0, &table}},
                 input.keys.size(0)});
}

}  // namespace spyhop::kernels
