#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "support/raw_client.h"
#include "support/test_server.h"

namespace spyhop::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr seconds kSoon{20};
const std::string kUid = "deepseek-ai/deepseek-vl2-tiny";

httplib::Result launch(const TestServer& test, const std::string& body, const std::string& query = "?wait_ready=false") {
  return test.client().Post("/v1/models" + query, body, "application/json");
}

TEST(launch_routes, ALaunchGoesToTheHost) {
  TestServer test;
  const auto response = launch(test, R"({"model_name":"m","model_size_in_billions":3,"max_queue":5})");
  EXPECT_EQ(response->body, R"({"model_uid":"m"})");
  const LaunchRequest request = test.models.last_launch().value();
  EXPECT_EQ(request.size_in_billions, "3");
  EXPECT_EQ(request.settings.front().second, "5");
}

TEST(launch_routes, ByDefaultTheAnswerWaitsForTheModel) {
  TestServer test;
  std::thread loading([&] {
    EXPECT_TRUE(test.models.wait_for_launch(kSoon));
    test.models.add(std::make_shared<FakeEngine>(hello, "m"));
  });
  EXPECT_EQ(launch(test, R"({"model_name":"m"})", "")->status, 200);
  loading.join();
  std::thread failing([&] { test.models.set_state("n", ModelState::kError, "broken weights"); });
  failing.join();
  const auto failed = launch(test, R"({"model_name":"n"})", "?wait_ready=true");
  EXPECT_EQ(failed->status, 500);
  EXPECT_EQ(Json::parse(failed->body)["detail"], "broken weights");
}

TEST(launch_routes, AClientThatGoesAwayCancelsTheLaunchItWaitsFor) {
  TestServer test;
  {
    RawClient client(test.server.port());
    client.send("POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n{\"model_name\":\"m\"}");
    EXPECT_TRUE(test.models.wait_for_launch(kSoon));
  }
  const auto deadline = std::chrono::steady_clock::now() + kSoon;
  while (test.models.models().size() > 1 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(test.models.models().size(), 1U);
}

TEST(launch_routes, InstancesAreFiltered) {
  TestServer test;
  test.models.set_state("other", ModelState::kLoading);
  EXPECT_EQ(Json::parse(test.client().Get("/v1/models/instances")->body).size(), 2U);
  const Json one = Json::parse(test.client().Get("/v1/models/instances?model_uid=other")->body);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0]["status"], "LOADING");
  EXPECT_EQ(test.client().Get("/v1/models/instances?model_name=nothing")->body, "[]");
}

TEST(launch_routes, WatchingAndEndingTakeUidsWithSlashes) {
  TestServer test;
  LaunchProgress progress;
  progress.share = 0.5;
  test.models.set_progress(progress);
  const std::string base = "/v1/models/" + kUid;
  EXPECT_EQ(Json::parse(test.client().Get(base + "/progress")->body)["progress"], 0.5);
  EXPECT_EQ(Json::parse(test.client().Get(base + "/replicas")->body)[0]["status"], "READY");
  EXPECT_EQ(Json::parse(test.client().Get(base + "/events")->body).size(), 2U);
  EXPECT_EQ(test.client().Delete(base)->body, "null");
  EXPECT_EQ(test.client().Get(base + "/progress")->status, 404);
  EXPECT_EQ(test.client().Delete(base)->status, 404);
}

TEST(launch_routes, ThereIsOneReplica) {
  TestServer test;
  const auto more = test.client().Post("/v1/models/" + kUid + "/replicas", R"({"replica":2})", "application/json");
  EXPECT_EQ(more->status, 400);
  EXPECT_EQ(Json::parse(more->body)["error"]["param"], "replica");
}

TEST(launch_routes, ARequestIsAbortedByItsId) {
  TestServer test(endless);
  RawClient client(test.server.port());
  client.send(raw_chat("", "x-request-id: mine\r\n"));
  EXPECT_TRUE(test.engine.wait_for_open(1, kSoon));
  const std::string path = "/v1/models/" + kUid + "/requests/";
  EXPECT_EQ(test.client().Post(path + "other/abort", "{}", "application/json")->body, R"({"msg":"NOT_FOUND"})");
  EXPECT_EQ(test.client().Post(path + "mine/abort", "{}", "application/json")->body, R"({"msg":"DONE"})");
  EXPECT_TRUE(test.engine.wait_for_open(0, kSoon));
  EXPECT_THAT(client.read_until("aborted"), StartsWith("HTTP/1.1 499"));
}

TEST(launch_routes, WhatChangesTheServerNeedsTheAdminKey) {
  ServerConfig config = small_config();
  config.api_keys = {"reader"};
  config.admin_api_keys = {"owner"};
  TestServer test(hello, config);
  const auto with_key = [](const std::string& key) { return httplib::Headers{{"Authorization", "Bearer " + key}}; };
  const auto launch_with = [&](const std::string& key) {
    return test.client()
        .Post("/v1/models?wait_ready=false", with_key(key), R"({"model_name":"m"})", "application/json")
        ->status;
  };
  EXPECT_EQ(launch_with("wrong"), 401);
  EXPECT_EQ(launch_with("reader"), 403);
  EXPECT_EQ(launch_with("owner"), 200);
  EXPECT_EQ(test.client().Get("/v1/models", with_key("reader"))->status, 200);
  EXPECT_EQ(test.client().Get("/v1/models", with_key("owner"))->status, 200);
  EXPECT_EQ(test.client().Get("/v1/models")->status, 401);
  EXPECT_EQ(test.client().Get("/v1/cluster/auth")->body, R"({"auth":true})");
}

TEST(launch_routes, WithAnAdminKeyAloneReadingIsFree) {
  ServerConfig config = small_config();
  config.admin_api_keys = {"owner"};
  TestServer test(hello, config);
  EXPECT_EQ(test.client().Get("/v1/models")->status, 200);
  EXPECT_EQ(test.client().Delete("/v1/models/" + kUid)->status, 401);
}

TEST(launch_routes, PagesOfOtherSitesChangeNothingWhereNoKeyIsSet) {
  TestServer test;
  const auto from = [&](const std::string& origin) {
    return test.client().Delete("/v1/models/x", httplib::Headers{{"Origin", origin}})->status;
  };
  EXPECT_EQ(from("http://evil.example"), 403);
  EXPECT_EQ(from("null"), 403);
  EXPECT_EQ(from("http://127.0.0.1:" + std::to_string(test.server.port())), 404);
}

}  // namespace
}  // namespace spyhop::test
