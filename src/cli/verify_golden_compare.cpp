#include "cli/verify_golden_compare.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace spyhop {
namespace {

std::optional<Check> check_sizes(const std::string& name, size_t want, size_t got) {
  if (want == got) return std::nullopt;
  return failed(name, fmt::format("{} values, expected {}", got, want));
}

/// Elements that differ, and the first of them.
struct Differences {
  size_t count = 0;
  size_t first = 0;

  void add(size_t index) {
    if (count++ == 0) first = index;
  }
};

Check exact_result(const std::string& name, const Differences& differences, size_t size, const std::string& first_pair) {
  if (differences.count == 0) return passed(name, fmt::format("{}", size));
  Check check =
      failed(name, fmt::format("{} of {} differ, first at {}: {}", differences.count, size, differences.first, first_pair));
  check.summary = fmt::format("{}/{}", differences.count, size);
  return check;
}

/// The sorted numbers of a run of `size` elements.
std::vector<int64_t> sorted_run(const std::vector<int64_t>& values, size_t begin, size_t size) {
  std::vector<int64_t> run(values.begin() + static_cast<std::ptrdiff_t>(begin),
                           values.begin() + static_cast<std::ptrdiff_t>(begin + size));
  std::sort(run.begin(), run.end());
  return run;
}

/// Runs that differ as sets.
Differences set_differences(const std::vector<int64_t>& want, const std::vector<int64_t>& got, size_t set_size) {
  Differences differences;
  for (size_t i = 0; i < want.size() / set_size; ++i) {
    if (sorted_run(want, i * set_size, set_size) != sorted_run(got, i * set_size, set_size)) differences.add(i);
  }
  return differences;
}

/// The part of `text` around byte `at`, cut at character borders.
std::string around(const std::string& text, size_t at) {
  constexpr size_t kBefore = 24;
  constexpr size_t kAfter = 40;
  const auto inside_character = [&](size_t i) { return i < text.size() && (static_cast<uint8_t>(text[i]) & 0xC0) == 0x80; };
  size_t begin = at > kBefore ? at - kBefore : 0;
  while (inside_character(begin)) ++begin;
  size_t end = std::min(text.size(), at + kAfter);
  while (inside_character(end)) ++end;
  return begin < end ? text.substr(begin, end - begin) : "";
}

}  // namespace

Check passed(const std::string& name, const std::string& summary) {
  return {name, Verdict::kPass, summary, ""};
}
Check failed(const std::string& name, const std::string& detail) {
  return {name, Verdict::kFail, "", detail};
}
Check not_run(const std::string& name, const std::string& reason) {
  return {name, Verdict::kNotRun, "", reason};
}

Check compare_integers(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  Differences differences;
  for (size_t i = 0; i < want.size(); ++i) {
    if (want[i] != got[i]) differences.add(i);
  }
  const size_t i = differences.first;
  return exact_result(name, differences, want.size(),
                      differences.count == 0 ? "" : fmt::format("{}, expected {}", got[i], want[i]));
}

Check compare_floats_exactly(const std::string& name, const std::vector<float>& want, const std::vector<float>& got) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  Differences differences;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::memcmp(&want[i], &got[i], sizeof(float)) != 0) differences.add(i);
  }
  const size_t i = differences.first;
  return exact_result(name, differences, want.size(),
                      differences.count == 0 ? "" : fmt::format("{:.9g}, expected {:.9g}", got[i], want[i]));
}

Check compare_texts(const std::string& name, const std::string& want, const std::string& got) {
  if (want == got) return passed(name, "");
  const auto mismatch = std::mismatch(want.begin(), want.end(), got.begin(), got.end());
  const auto at = static_cast<size_t>(mismatch.first - want.begin());
  return failed(name, fmt::format("differs at byte {}: '{}', expected '{}'", at, around(got, at), around(want, at)));
}

Check compare_close(const std::string& name, const std::vector<float>& want, const std::vector<float>& got, double atol) {
  return compare_rows(name, want, got, {atol});
}

Check compare_rows(const std::string& name, const std::vector<float>& want, const std::vector<float>& got,
                   const std::vector<double>& row_atol) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  if (row_atol.empty() || want.size() % row_atol.size() != 0) {
    return failed(name, fmt::format("{} values cannot be {} rows", want.size(), row_atol.size()));
  }
  const size_t row_size = want.size() / row_atol.size();
  Differences beyond;
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
    // Written so that NaN, which compares false with everything, counts as beyond every tolerance.
    if (!(error <= row_atol[i / row_size])) beyond.add(i);
    largest = std::isnan(error) ? HUGE_VAL : std::max(largest, error);
  }
  Check check = passed(name, fmt::format("{:.1e}", largest));
  check.error = largest;
  if (beyond.count == 0) return check;
  const size_t i = beyond.first;
  check.verdict = Verdict::kFail;
  check.detail = fmt::format("{} of {} beyond the tolerance {:.0e}, largest error {:.2e}, first at {}: {:.7g}, expected {:.7g}",
                             beyond.count, want.size(), row_atol[i / row_size], largest, i, got[i], want[i]);
  return check;
}

Check compare_relative_rms(const std::string& name, const std::vector<float>& want, const std::vector<float>& got,
                           double limit) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  double error = 0;
  double norm = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(want[i]), 2);
    norm += std::pow(static_cast<double>(want[i]), 2);
  }
  const double ratio = error == 0 ? 0 : std::sqrt(error / norm);
  Check check = passed(name, fmt::format("rms {:.2f}%", 100 * ratio));
  check.error = ratio;
  if (ratio < limit) return check;
  check.verdict = Verdict::kFail;
  check.detail = fmt::format("relative rms error {:.4f}, must be under {}", ratio, limit);
  return check;
}

Check compare_direction(const std::string& name, const std::vector<float>& want, const std::vector<float>& got, double limit) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  double dot = 0;
  double want_norm = 0;
  double got_norm = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    dot += static_cast<double>(want[i]) * got[i];
    want_norm += static_cast<double>(want[i]) * want[i];
    got_norm += static_cast<double>(got[i]) * got[i];
  }
  const double cosine = dot / std::sqrt(want_norm * got_norm);
  Check check = passed(name, fmt::format("cos {:.4f}", cosine));
  check.error = 1 - cosine;
  if (cosine > limit) return check;
  check.verdict = Verdict::kFail;
  check.detail = fmt::format("cosine {:.5f}, must be over {}", cosine, limit);
  return check;
}

Check compare_sets(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got,
                   size_t set_size) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  if (set_size == 0 || want.size() % set_size != 0)
    return failed(name, fmt::format("{} values in sets of {}", want.size(), set_size));
  const Differences differences = set_differences(want, got, set_size);
  if (differences.count == 0) return exact_result(name, differences, want.size() / set_size, "");
  const size_t begin = differences.first * set_size;
  return exact_result(name, differences, want.size() / set_size,
                      fmt::format("{{{}}}, expected {{{}}}", fmt::join(sorted_run(got, begin, set_size), " "),
                                  fmt::join(sorted_run(want, begin, set_size), " ")));
}

Check compare_where_certain(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got,
                            const std::vector<float>& margins, double min_margin) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  if (auto wrong = check_sizes(name + " margins", want.size(), margins.size())) return *wrong;
  Differences differences;
  size_t certain = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (margins[i] <= min_margin) continue;
    ++certain;
    if (want[i] != got[i]) differences.add(i);
  }
  const size_t i = differences.first;
  return exact_result(
      name, differences, certain,
      differences.count == 0 ? "" : fmt::format("{}, expected {} by a margin of {:.1e}", got[i], want[i], margins[i]));
}

Check compare_share(const std::string& name, const std::vector<int64_t>& want, const std::vector<int64_t>& got, size_t set_size,
                    double limit) {
  if (auto wrong = check_sizes(name, want.size(), got.size())) return *wrong;
  if (set_size == 0 || want.empty() || want.size() % set_size != 0) {
    return failed(name, fmt::format("{} values in sets of {}", want.size(), set_size));
  }
  const auto num_sets = static_cast<double>(want.size() / set_size);
  const double share = 1 - static_cast<double>(set_differences(want, got, set_size).count) / num_sets;
  Check check = passed(name, fmt::format("{:.1f}%", 100 * share));
  check.error = 1 - share;
  if (share > limit) return check;
  check.verdict = Verdict::kFail;
  check.detail = fmt::format("{:.1f} % agree, must be over {:.0f} %", 100 * share, 100 * limit);
  return check;
}

}  // namespace spyhop
