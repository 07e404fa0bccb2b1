#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/raw_client.h"
#include "support/test_server.h"

namespace spyhop::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(image_plan_route, TellsWhatAPromptWouldTake) {
  TestServer test;
  const auto response = test.client().Post(
      "/v1/images/plan", R"({"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4})", "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  const Json plan = Json::parse(response->body);
  EXPECT_EQ(plan["model"], "deepseek-ai/deepseek-vl2-tiny");
  EXPECT_EQ(plan["prompt_tokens"], 5);
  EXPECT_EQ(plan["remaining_tokens"], 4091);
  EXPECT_EQ(plan["fits"], true);
}

TEST(image_plan_route, RefusesWhatIsNoPlan) {
  TestServer test;
  const auto response = test.client().Post("/v1/images/plan", R"({"images": []})", "application/json");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
  EXPECT_THAT(Json::parse(response->body)["error"]["message"].get<std::string>(), HasSubstr("images"));
}

}  // namespace
}  // namespace spyhop::test
