#include "cli/verify_golden_row_tally.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/verify_golden_compare.h"

namespace spyhop {

void RowTally::add(const std::string& label, const Check& check) {
  ++num_rows_;
  largest_error_ = std::max(largest_error_, check.error.value_or(-1));
  if (check.verdict != Verdict::kFail) return;
  if (num_failed_++ == 0) first_failure_ = fmt::format("{}: {}: {}", label, check.name, check.detail);
}

Check RowTally::result() const {
  std::string reasons;
  for (const auto& [reason, count] : skipped_) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, reason);
  const std::string skipped = reasons.empty() ? "" : ", not run: " + reasons;
  if (num_failed_ > 0) {
    return failed(name_, fmt::format("{} of {} {} differ, first {}{}", num_failed_, num_rows_, noun_, first_failure_, skipped));
  }
  if (num_rows_ == 0) return not_run(name_, reasons.empty() ? "it has no rows" : reasons);
  Check check = passed(name_, fmt::format("{} {}{}", num_rows_, noun_, skipped));
  if (largest_error_ < 0) return check;
  check.summary += fmt::format(", largest error {:.1e}", largest_error_);
  check.error = largest_error_;
  return check;
}

}  // namespace spyhop
