#include "common/byte_size.h"

#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::pair<std::string_view, int64_t> kUnits[] = {
    {"", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", int64_t{1} << 10},
    {"MiB", int64_t{1} << 20},
    {"GiB", int64_t{1} << 30},
    {"TiB", int64_t{1} << 40},
};

}  // namespace

int64_t parse_byte_size(std::string_view text) {
  int64_t number = 0;
  const auto [rest, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  if (status == std::errc() && number >= 0) {
    for (const auto& [name, bytes] : kUnits) {
      if (name == unit && number <= std::numeric_limits<int64_t>::max() / bytes) return number * bytes;
    }
  }
  throw Error(ErrorCode::kInvalidRequest,
              "\"" + std::string(text) +
                  "\" is no size; allowed: a whole number of bytes below 2^63, alone or with kB, MB, "
                  "GB, TB, KiB, MiB, GiB or TiB behind it, such as 4GiB");
}

std::string byte_size_text(int64_t bytes) {
  constexpr const char* kNames[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kNames)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kNames[unit]);
  return text;
}

}  // namespace spyhop
