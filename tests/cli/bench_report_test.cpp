#include "cli/bench_report.h"

#include <gtest/gtest.h>

#include <cmath>

namespace spyhop {
namespace {

TEST(BenchReport, AResultHasNameValueUnitLimitAndRatioInThisOrder) {
  MachineRecord machine;
  machine.before = {45e9, 40e9, 5e11, 1e12, 2e12};
  machine.after = {80e9, 41e9, 5e11, 1e12, 2e12};
  machine.others_cores = 0.03;
  const nlohmann::ordered_json report = bench_json({{"decode x1", 30, "tok/s", 40, 0.75, 7, 5}}, machine);
  EXPECT_EQ(report["results"].dump(), R"([{"name":"decode x1","value":30.0,"unit":"tok/s","limit":40.0,"ratio":0.75}])");
  EXPECT_DOUBLE_EQ(report["machine"]["before"]["read_gb_per_s"], 45);
  EXPECT_DOUBLE_EQ(report["machine"]["after"]["read_gb_per_s"], 80);
  EXPECT_DOUBLE_EQ(report["machine"]["before"]["bf16_gflop_per_s"], 1000);
  EXPECT_DOUBLE_EQ(report["machine"]["others_cores"], 0.03);
  EXPECT_EQ(report["machine"]["pairs"], 7);
  EXPECT_EQ(report["machine"]["quiet_pairs"], 5);
  EXPECT_FALSE(report["machine"]["instruction_set"].get<std::string>().empty());
}

}  // namespace
}  // namespace spyhop
