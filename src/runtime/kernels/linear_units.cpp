#include "runtime/kernels/linear_units.h"

#include <algorithm>

#include "runtime/kernels/dot_tile.h"

namespace spyhop::kernels {
namespace {

constexpr int64_t kBalancedRows = 16;   // rows for which arithmetic takes as long as reading the weights from memory
constexpr int64_t kUnitsPerThread = 4;  // that what is left is good for
constexpr int64_t kLeastCost = int64_t{128} << 10;  // some microseconds: below it claiming units costs too much

/// In bytes read from memory.
int64_t panel_cost(const ProductSize& product) {
  return product.panel_bytes * std::max(product.num_rows, kBalancedRows) / kBalancedRows;
}

/// One panel in blocks of whole tiles of rows.
void cut_rows(const ProductSize& product, LinearUnit unit, int64_t num_blocks, std::vector<LinearUnit>& units) {
  const int64_t num_tiles = (product.num_rows - 1) / kMaxTileRows + 1;
  const int64_t block_rows = ((num_tiles - 1) / num_blocks + 1) * kMaxTileRows;
  for (int64_t row = 0; row < product.num_rows; row += block_rows) {
    unit.first_row = row;
    unit.num_rows = std::min(block_rows, product.num_rows - row);
    units.push_back(unit);
  }
}

}  // namespace

std::vector<LinearUnit> cut_into_units(const std::vector<ProductSize>& products, int num_threads) {
  int64_t remaining = 0;
  for (const ProductSize& product : products) remaining += product.num_rows > 0 ? product.num_panels * panel_cost(product) : 0;
  std::vector<LinearUnit> units;
  for (size_t index = 0; index < products.size(); ++index) {
    const ProductSize& product = products[index];
    if (product.num_rows == 0) continue;
    const int64_t cost = panel_cost(product);
    for (int64_t panel = 0; panel < product.num_panels;) {
      const int64_t wanted = std::max(kLeastCost, remaining / (kUnitsPerThread * num_threads));
      const int64_t num_panels = std::clamp<int64_t>(wanted / cost, 1, product.num_panels - panel);
      const LinearUnit unit{index, panel, num_panels, 0, product.num_rows};
      if (cost >= 2 * wanted) {
        cut_rows(product, unit, cost / wanted, units);
      } else {
        units.push_back(unit);
      }
      remaining -= num_panels * cost;
      panel += num_panels;
    }
  }
  return units;
}

}  // namespace spyhop::kernels
