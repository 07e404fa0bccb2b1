#include "common/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <chrono>
#include <sstream>
#include <string>

namespace spyhop {
namespace {

using ::testing::HasSubstr;

/// The value of a series, or -1 when there is none.
double value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(series + " ", 0) == 0) return std::stod(line.substr(series.size() + 1));
  }
  return -1;
}

TEST(metrics, NamesMayHoldAColon) {
  Metrics metrics;
  prometheus::BuildCounter()
      .Name("spyhop:things_total")
      .Help("Things.")
      .Register(metrics.registry())
      .Add({{"kind", "a"}})
      .Increment(3);
  EXPECT_THAT(metrics.text(), HasSubstr("# HELP spyhop:things_total Things.\n# TYPE spyhop:things_total counter\n"
                                        "spyhop:things_total{kind=\"a\"} 3\n"));
}

TEST(metrics, LabelsOfStrangersAreEscaped) {
  Metrics metrics;
  prometheus::BuildCounter().Name("x").Help("").Register(metrics.registry()).Add({{"name", "a\"b\\c\nd"}});
  EXPECT_THAT(metrics.text(), HasSubstr(R"(x{name="a\"b\\c\nd"} 0)"));
}

TEST(metrics, ABucketHoldsItsUpperBound) {
  Metrics metrics;
  const prometheus::Histogram::BucketBoundaries bounds{1, 2};
  prometheus::BuildHistogram().Name("h").Help("").Register(metrics.registry()).Add({}, bounds).Observe(1);
  EXPECT_EQ(value_of(metrics.text(), "h_bucket{le=\"1\"}"), 1);
}

TEST(metrics, ShowsTheProcess) {
  const Metrics metrics;
  const std::string text = metrics.text();
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(value_of(text, "process_virtual_memory_bytes"), value_of(text, "process_resident_memory_bytes"));
  EXPECT_LT(value_of(text, "process_start_time_seconds"), now + 1);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), now - 3600);
  EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of(text, "process_open_fds"), 3);
  EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
}

}  // namespace
}  // namespace spyhop
