// Many comparisons of one kind, told as one.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "cli/verify_golden_report.h"

namespace spyhop {

class RowTally {
 public:
  /// `noun` is what a row is: "texts".
  RowTally(std::string name, std::string noun) : name_(std::move(name)), noun_(std::move(noun)) {}

  /// `label` names the row in the detail of a failure.
  void add(const std::string& label, const Check& check);

  /// A row that cannot be checked; `reason` completes "2 ...": "images not in the set".
  void skip(const std::string& reason) { ++skipped_[reason]; }

  /// Fails with the first failing row's detail; not run when no row was checked.
  Check result() const;

 private:
  std::string name_;
  std::string noun_;
  int num_rows_ = 0;
  int num_failed_ = 0;
  double largest_error_ = -1;
  std::string first_failure_;
  std::map<std::string, int> skipped_;  // reason -> rows
};

}  // namespace spyhop
