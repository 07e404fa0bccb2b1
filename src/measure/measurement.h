// One line of a bench's result.
#pragma once

#include <functional>
#include <string>

#include "measure/paired_rates.h"

namespace spyhop {

struct Measurement {
  std::string name;
  double value = 0;
  std::string unit;
  double limit = 0;  // in the same unit: what the machine gave in the same run
  double ratio = 0;  // value / limit, the median of pairs where they were taken in turns
  int num_pairs = 0;
  int num_quiet = 0;
};

/// Takes the lines as they come.
using MeasurementSink = std::function<void(const Measurement&)>;

/// `per_unit`: how many of what was counted make one of the unit.
inline Measurement in_unit(const std::string& name, const Rated& rated, const std::string& unit, double per_unit) {
  return {name, rated.value / per_unit, unit, rated.limit / per_unit, rated.ratio, rated.num_pairs, rated.num_quiet};
}

}  // namespace spyhop
