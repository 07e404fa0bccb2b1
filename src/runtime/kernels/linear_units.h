// How products are cut into pieces for the compute threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spyhop::kernels {

/// A product as far as its cost goes.
struct ProductSize {
  int64_t num_rows = 0;
  int64_t num_panels = 0;
  int64_t panel_bytes = 0;
};

/// Some panels of one product for some of its rows, done by one thread.
struct LinearUnit {
  size_t product = 0;
  int64_t first_panel = 0;
  int64_t num_panels = 0;
  int64_t first_row = 0;
  int64_t num_rows = 0;
};

/// All products in order, cut into units. The first are large: each thread reads long stretches of memory. They become smaller
/// towards the end, down to a part of a panel's rows, so that all threads end together.
std::vector<LinearUnit> cut_into_units(const std::vector<ProductSize>& products, int num_threads);

}  // namespace spyhop::kernels
