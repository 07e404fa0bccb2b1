// Figures that sum up many measurements.
#pragma once

#include <cstddef>
#include <vector>

namespace spyhop {

/// A sample's figures, in the unit of its values; all zero for an empty sample.
struct Summary {
  size_t count = 0;
  double mean = 0;
  double std = 0;  // of the sample as a whole: divided by its size
  double median = 0;
  double max = 0;
  std::vector<double> percentiles;  // in the order they were asked for
};

/// The value below which `percent` of 100 of `sorted` lie, interpolated linearly between the two nearest (numpy's "linear").
/// `sorted` is ascending; 0 when it is empty.
double percentile(const std::vector<double>& sorted, double percent);

Summary summarize(std::vector<double> values, const std::vector<double>& percents);

}  // namespace spyhop
