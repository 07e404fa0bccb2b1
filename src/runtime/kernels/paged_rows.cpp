#include "runtime/kernels/paged_rows.h"

#include <algorithm>
#include <cstring>

#include "runtime/kernels/dot_tile.h"
#include "runtime/kernels/simd.h"
#include "runtime/thread_pool.h"

namespace spyhop::kernels {
namespace {

/// One head of one token: where it is among the group's 16, and its elements.
template <typename T>
struct HeadRow {
  char* group;  // of this head
  int64_t token;
  int64_t dim;
};

/// Where element i is.
template <typename T>
char* element(const HeadRow<T>& row, RowLayout layout, int64_t i) {
  constexpr int64_t per_step = kStepBytes / static_cast<int64_t>(sizeof(T));
  if (layout == RowLayout::kKeys) {
    return row.group + (i / per_step * kGroupTokens + row.token) * kStepBytes + i % per_step * static_cast<int64_t>(sizeof(T));
  }
  return row.group + (row.token / per_step * row.dim + i) * kStepBytes + row.token % per_step * static_cast<int64_t>(sizeof(T));
}

template <typename T>
void write_head(const HeadRow<T>& row, RowLayout layout, const char* elements) {
  if (layout == RowLayout::kKeys) {
    constexpr int64_t per_step = kStepBytes / static_cast<int64_t>(sizeof(T));
    for (int64_t step = 0; step < row.dim / per_step; ++step) {
      std::memcpy(row.group + (step * kGroupTokens + row.token) * kStepBytes, elements + step * kStepBytes, kStepBytes);
    }
    return;
  }
  for (int64_t i = 0; i < row.dim; ++i) {
    std::memcpy(element(row, layout, i), elements + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  }
}

template <typename T>
void read_head(const HeadRow<T>& row, RowLayout layout, char* elements) {
  for (int64_t i = 0; i < row.dim; ++i) {
    std::memcpy(elements + i * static_cast<int64_t>(sizeof(T)), element(row, layout, i), sizeof(T));
  }
}

template <typename T>
void copy_rows(const PagedRows& cache, const std::vector<int32_t>& block_table, int64_t first_position, const PlainRows& rows,
               bool is_write) {
  const int64_t head_width = cache.kind.dim * static_cast<int64_t>(sizeof(T));
  for (int64_t i = 0; i < rows.num_rows; ++i) {
    const int64_t position = first_position + i;
    const int64_t token = position % kGroupTokens;
    char* const group = cache.group(block_table, position / kGroupTokens);
    if (is_write && token == 0) std::memset(group, 0, static_cast<size_t>(cache.group_bytes()));
    for (int64_t head = 0; head < cache.kind.num_heads; ++head) {
      const HeadRow<T> row{group + head * cache.head_bytes(), token, cache.kind.dim};
      char* const elements = rows.data + i * rows.row_bytes + head * head_width;
      if (is_write) {
        write_head(row, cache.kind.layout, elements);
      } else {
        read_head(row, cache.kind.layout, elements);
      }
    }
  }
}

/// [8 pairs of tokens][dim][2] -> [dim / 2][16 tokens][2].
void turn_bf16(const char* head, int64_t dim, char* scratch) {
  for (int64_t pair = 0; pair < kGroupTokens / 2; ++pair) {
    const char* const from = head + pair * dim * kStepBytes;
    char* const to = scratch + pair * 2 * kStepBytes;
    for (int64_t step = 0; step < dim / 2; ++step) {
      uint32_t words[2];  // an even dimension of both tokens, and the odd one behind it
      std::memcpy(words, from + step * 2 * kStepBytes, sizeof words);
      const uint32_t turned[2] = {(words[0] & 0xffffU) | (words[1] << 16), (words[0] >> 16) | (words[1] & 0xffff0000U)};
      std::memcpy(to + step * kGroupTokens * kStepBytes, turned, sizeof turned);
    }
  }
}

/// [16 tokens][dim] -> [dim][16 tokens].
void turn_f32(const char* head, int64_t dim, char* scratch) {
  for (int64_t token = 0; token < kGroupTokens; ++token) {
    for (int64_t i = 0; i < dim; ++i) {
      std::memcpy(scratch + (i * kGroupTokens + token) * kStepBytes, head + (token * dim + i) * kStepBytes, kStepBytes);
    }
  }
}

}  // namespace

char* PagedRows::group(const std::vector<int32_t>& block_table, int64_t index) const {
  const int64_t groups_per_block = block_tokens / kGroupTokens;
  const int64_t block = block_table[static_cast<size_t>(index / groups_per_block)];
  return data + block * block_bytes() + index % groups_per_block * group_bytes();
}

void write_rows(const PagedRows& cache, const std::vector<int32_t>& block_table, int64_t first_position,
                const PlainRows& rows) {
  const int64_t first_group = first_position / kGroupTokens;
  const int64_t end = first_position + rows.num_rows;
  parallel_for((end - 1) / kGroupTokens - first_group + 1, [&](int64_t index) {
    const int64_t begin = std::max(first_position, (first_group + index) * kGroupTokens);
    const int64_t count = std::min(end, (first_group + index + 1) * kGroupTokens) - begin;
    const PlainRows part{rows.data + (begin - first_position) * rows.row_bytes, rows.row_bytes, count};
    if (cache.type == c10::ScalarType::Float) {
      copy_rows<float>(cache, block_table, begin, part, /*is_write=*/true);
    } else {
      copy_rows<simd::Bf16>(cache, block_table, begin, part, /*is_write=*/true);
    }
  });
}

void read_rows(const PagedRows& cache, const std::vector<int32_t>& block_table, int64_t first_position, const PlainRows& rows) {
  if (cache.type == c10::ScalarType::Float) {
    copy_rows<float>(cache, block_table, first_position, rows, /*is_write=*/false);
  } else {
    copy_rows<simd::Bf16>(cache, block_table, first_position, rows, /*is_write=*/false);
  }
}

const char* keys_of_group(const PagedRows& cache, const char* head, char* scratch) {
  if (cache.kind.layout == RowLayout::kKeys) return head;
  if (cache.type == c10::ScalarType::Float) {
    turn_f32(head, cache.kind.dim, scratch);
  } else {
    turn_bf16(head, cache.kind.dim, scratch);
  }
  return scratch;
}

}  // namespace spyhop::kernels
