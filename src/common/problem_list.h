// Problems of a file or a folder, gathered so that they are reported together.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {

/// `text` in double quotes, control characters escaped, invalid UTF-8 replaced, cut after about `max_bytes` bytes: safe to
/// print whatever a file says.
std::string in_quotes(std::string_view text, size_t max_bytes = 120);

class ProblemList {
 public:
  /// Keeps the first 100 texts; of the others only the number is known.
  void add(std::string problem);
  /// Takes over all problems of `other`.
  void add_all(const ProblemList& other);

  bool empty() const { return num_problems_ == 0; }
  size_t size() const { return num_problems_; }
  const std::vector<std::string>& texts() const { return texts_; }

  /// Throws Error{code}: `headline`, then the problem, or the list of problems, one a line. Does nothing when there is none.
  void throw_if_any(ErrorCode code, const std::string& headline) const;

 private:
  std::vector<std::string> texts_;
  size_t num_problems_ = 0;
};

}  // namespace spyhop
