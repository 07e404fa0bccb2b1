#include "http/path_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace spyhop {
namespace {

using ::testing::ElementsAre;

TEST(path_pattern, WithoutBracesIsThePathItself) {
  EXPECT_TRUE(match_path("/v1/models", "/v1/models"));
  for (const char* other : {"/v1/models/", "/v1/model", "/v1/models/x", ""}) EXPECT_FALSE(match_path("/v1/models", other));
}

TEST(path_pattern, APartMayHoldSlashes) {
  EXPECT_THAT(match_path("/v1/models/{uid}", "/v1/models/deepseek-ai/tiny").value(), ElementsAre("deepseek-ai/tiny"));
  EXPECT_THAT(match_path("/v1/models/{uid}/progress", "/v1/models/a/b/progress").value(), ElementsAre("a/b"));
  EXPECT_THAT(match_path("/v1/models/{uid}/requests/{id}/abort", "/v1/models/a/requests/r/1/abort").value(),
              ElementsAre("a", "r/1"));
  EXPECT_THAT(match_path("/v1/engines/{type}/{name}", "/v1/engines/LLM/vl2").value(), ElementsAre("LLM", "vl2"));
}

TEST(path_pattern, APartIsNeverEmpty) {
  EXPECT_FALSE(match_path("/v1/models/{uid}", "/v1/models/"));
  EXPECT_FALSE(match_path("/v1/models/{uid}/progress", "/v1/models//progress"));
  EXPECT_FALSE(match_path("/v1/models/{uid}/progress", "/v1/models/progress"));
  EXPECT_FALSE(match_path("/v1/models/{uid}/requests/{id}/abort", "/v1/models/a/requests/abort"));
  EXPECT_FALSE(match_path("/v1/engines/{type}/{name}", "/v1/engines/LLM/"));
}

}  // namespace
}  // namespace spyhop
