#include "api/load_json.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

TEST(load_json, AddsWhatRunsAndWhatWaits) {
  EXPECT_EQ(load_json({2, 3, 8, 256, 0.5, 1}),
            R"({"server_load":5,"running":2,"waiting":3,"kv_cache_usage":0.5,"max_num_seqs":8,"max_queue":256})");
}

}  // namespace
}  // namespace spyhop
