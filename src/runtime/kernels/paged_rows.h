// Cached rows of one kind in the order in which attention reads them.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <vector>

namespace spyhop::kernels {

/// How a row's heads lie in memory. Tokens come in groups of 16; a step is 4 bytes: one f32 or two bf16.
enum class RowLayout {
  kKeys,    // [group][head][dim / s][16 tokens][s]: 16 tokens side by side, summed over the dimensions
  kValues,  // [group][head][16 / s][dim][s]: dimensions side by side, summed over the tokens
};

constexpr int64_t kGroupTokens = 16;

/// What a row is: num_heads x dim numbers. With bf16, dim is even.
struct RowKind {
  RowLayout layout = RowLayout::kKeys;
  int64_t num_heads = 1;
  int64_t dim = 0;
  int64_t width() const { return num_heads * dim; }
};

/// Blocks of rows in one memory; a sequence's n-th position is in block block_table[n / block_tokens].
struct PagedRows {
  RowKind kind;
  c10::ScalarType type = c10::ScalarType::BFloat16;
  char* data = nullptr;
  int64_t block_tokens = kGroupTokens;  // a multiple of kGroupTokens

  int64_t steps_per_token() const { return kind.dim * static_cast<int64_t>(c10::elementSize(type)) / 4; }  // of one head
  int64_t head_bytes() const { return kGroupTokens * steps_per_token() * 4; }                              // of one group
  int64_t group_bytes() const { return kind.num_heads * head_bytes(); }
  int64_t block_bytes() const { return block_tokens / kGroupTokens * group_bytes(); }

  /// The group that holds positions 16 * index onwards.
  char* group(const std::vector<int32_t>& block_table, int64_t index) const;
};

/// Bytes behind the last block that attention may read (never use): a tile is 32 columns wide, whatever dim is.
constexpr int64_t kPagedRowsSlack = 256;

/// Adjacent elements [num_rows][width] in the type of the cache.
struct PlainRows {
  char* data = nullptr;
  int64_t row_bytes = 0;  // from row to row
  int64_t num_rows = 0;
};

/// Writes rows of positions first_position onwards. The first row of a group clears the rest of it: attention multiplies the
/// values of tokens that do not exist by zero, so they must be finite.
void write_rows(const PagedRows& cache, const std::vector<int32_t>& block_table, int64_t first_position, const PlainRows& rows);

/// Reads rows of positions first_position onwards.
void read_rows(const PagedRows& cache, const std::vector<int32_t>& block_table, int64_t first_position, const PlainRows& rows);

/// A head's keys of one group, whatever their layout, as RowLayout::kKeys: in place, or in `scratch` [steps_per_token][16]
/// steps.
const char* keys_of_group(const PagedRows& cache, const char* head, char* scratch);

}  // namespace spyhop::kernels
