// Comparisons of a computed value with its reference. Pure functions; sizes that differ, NaN and infinity are failures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/verify_golden_report.h"

namespace spyhop {

/// Equal element by element.
Check compare_integers(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got);

/// Equal bit by bit, -0 and +0 told apart.
Check compare_floats_exactly(const std::string& name, const std::vector<float>& want, const std::vector<float>& got);

/// Equal texts; long ones are shown around the first difference.
Check compare_texts(const std::string& name, const std::string& want, const std::string& got);

/// |got - want| <= atol for every element.
Check compare_close(const std::string& name, const std::vector<float>& want, const std::vector<float>& got, double atol);

/// The same with a tolerance for each row; all rows have the same length.
Check compare_rows(const std::string& name, const std::vector<float>& want, const std::vector<float>& got,
                   const std::vector<double>& row_atol);

/// sqrt(sum (got - want)^2 / sum want^2) < limit.
Check compare_relative_rms(const std::string& name, const std::vector<float>& want, const std::vector<float>& got,
                           double limit);

/// Cosine of the angle between the two > limit.
Check compare_direction(const std::string& name, const std::vector<float>& want, const std::vector<float>& got, double limit);

/// Every run of `set_size` elements holds the same numbers in any order.
Check compare_sets(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got, size_t set_size);

/// Equal at every index whose margin is over `min_margin`.
Check compare_where_certain(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got,
                            const std::vector<float>& margins, double min_margin);

/// More than the share `limit` of the runs of `set_size` elements agree as sets; limit < 0 only reports the share.
Check compare_share(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got, size_t set_size,
                    double limit);

Check failed(const std::string& name, const std::string& detail);
Check not_run(const std::string& name, const std::string& reason);
Check passed(const std::string& name, const std::string& summary);

}  // namespace spyhop
