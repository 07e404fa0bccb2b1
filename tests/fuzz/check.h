// What fuzz targets check with.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace spyhop::fuzz {

/// Ends the program when `holds` is false.
inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

}  // namespace spyhop::fuzz
