#include "runtime/kernels/linear_units.h"

#include <gtest/gtest.h>

#include <map>

#include "runtime/kernels/dot_tile.h"

namespace spyhop {
namespace {

using kernels::cut_into_units;
using kernels::LinearUnit;
using kernels::ProductSize;

/// How often each (product, panel, row) is computed.
void expect_each_once(const std::vector<ProductSize>& products, const std::vector<LinearUnit>& units) {
  std::vector<std::vector<int>> counts;
  for (const ProductSize& product : products) counts.emplace_back(product.num_panels * product.num_rows, 0);
  for (const LinearUnit& unit : units) {
    ASSERT_GT(unit.num_panels, 0);
    ASSERT_GT(unit.num_rows, 0);
    for (int64_t panel = unit.first_panel; panel < unit.first_panel + unit.num_panels; ++panel) {
      for (int64_t row = unit.first_row; row < unit.first_row + unit.num_rows; ++row) {
        ++counts.at(unit.product).at(panel * products[unit.product].num_rows + row);
      }
    }
  }
  for (const std::vector<int>& product : counts) {
    for (const int count : product) ASSERT_EQ(count, 1);
  }
}

const std::vector<std::vector<ProductSize>> kCases = {
    {{1, 1, 64}},
    {{0, 10, 1000}, {3, 7, 1000}, {0, 1, 1}},
    {{1, 40, 81920}, {1, 40, 81920}, {1, 40, 81920}},
    {{512, 88, 81920}, {48, 56, 81920}, {47, 56, 81920}, {1, 56, 81920}},
    {{729, 135, 73728}},
    {{5000, 1, 1 << 20}},
    {{1, 4040, 87040}},
};

TEST(LinearUnits, CoverEveryPanelAndRowOnce) {
  for (const std::vector<ProductSize>& products : kCases) {
    for (const int threads : {1, 2, 7, 64}) expect_each_once(products, cut_into_units(products, threads));
  }
}

TEST(LinearUnits, BecomeSmallerTowardsTheEnd) {
  const std::vector<ProductSize> products = {{1, 4040, 87040}};
  const std::vector<LinearUnit> units = cut_into_units(products, 2);
  EXPECT_EQ(units.front().num_panels, 4040 / 8);
  for (size_t i = 1; i < units.size(); ++i) EXPECT_LE(units[i].num_panels, units[i - 1].num_panels);
  EXPECT_EQ(units.back().num_panels, 1);
}

TEST(LinearUnits, SplitTheRowsOfFewExpensivePanelsAtTiles) {
  const std::vector<LinearUnit> units = cut_into_units({{5000, 1, 1 << 20}}, 4);
  EXPECT_GE(units.size(), 16U);
  for (const LinearUnit& unit : units) EXPECT_EQ(unit.first_row % kernels::kMaxTileRows, 0);
}

}  // namespace
}  // namespace spyhop
