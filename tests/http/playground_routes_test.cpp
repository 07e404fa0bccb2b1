#include "http/playground_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/playground_files.h"
#include "support/raw_client.h"
#include "support/test_server.h"

namespace spyhop::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const httplib::Headers kBrowser{{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};

TEST(playground_routes, ABrowserGetsThePageWithAPolicyThatAllowsNothingFromElsewhere) {
  TestServer test;
  const auto page = test.client().Get("/", kBrowser);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_THAT(page->body, StartsWith("<!doctype html>"));
  EXPECT_EQ(page->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page->get_header_value("Vary"), "Accept");
  const std::string policy = page->get_header_value("Content-Security-Policy");
  EXPECT_THAT(policy, StartsWith("default-src 'none';"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
}

TEST(playground_routes, AProgramIsToldThatTheApiIsElsewhere) {
  TestServer test;
  const auto answer = test.client().Get("/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(answer->body, HasSubstr("/v1/models"));
}

TEST(playground_routes, EveryFileIsServedWithItsTypeAndBytes) {
  TestServer test;
  ASSERT_FALSE(playground_files().empty());
  for (const PlaygroundFile& file : playground_files()) {
    const auto answer = test.client().Get("/playground/" + std::string(file.path));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200) << file.path;
    EXPECT_EQ(answer->body, file.bytes) << file.path;
    EXPECT_EQ(answer->get_header_value("Content-Type"), file.content_type);
    EXPECT_FALSE(file.content_type.empty()) << file.path;
  }
}

TEST(playground_routes, AllFilesTogetherAreSmallerThan200Kilobytes) {
  size_t num_bytes = 0;
  for (const PlaygroundFile& file : playground_files()) num_bytes += file.bytes.size();
  EXPECT_LT(num_bytes, 200'000);
}

TEST(playground_routes, AFileThatTheBrowserHasIsNotSentAgain) {
  TestServer test;
  const auto first = test.client().Get("/playground/chat/main.js");
  ASSERT_TRUE(first);
  const std::string etag = first->get_header_value("ETag");
  EXPECT_EQ(first->get_header_value("Cache-Control"), "no-cache");
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    RawClient again(test.server.port());  // the library's own client waits for the body that the length speaks of
    again.send("GET /playground/chat/main.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIf-None-Match: " + known + "\r\n\r\n");
    const std::string answer = again.read_to_close();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 304 ")) << known;
    EXPECT_THAT(answer, EndsWith("\r\n\r\n")) << known;
  }
  EXPECT_EQ(test.client().Get("/playground/chat/main.js", {{"If-None-Match", "\"other\""}})->status, 200);
}

TEST(playground_routes, AHeadRequestGetsTheHeadersAlone) {
  TestServer test;
  const auto answer = test.client().Head("/", kBrowser);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "");
  EXPECT_NE(answer->get_header_value("Content-Length"), "0");
}

TEST(playground_routes, ThePageNeedsNoKeyAndNothingElseIsOpened) {
  ServerConfig config = small_config();
  config.api_keys = {"secret"};
  TestServer test(hello, config);
  EXPECT_EQ(test.client().Get("/", kBrowser)->status, 200);
  EXPECT_EQ(test.client().Get("/playground/style/base.css")->status, 200);
  EXPECT_EQ(test.client().Get("/v1/models", kBrowser)->status, 401);
}

TEST(playground_routes, WhatIsNoFileOfThePageIsNotFound) {
  TestServer test;
  for (const char* path :
       {"/playground/none.js", "/playground/../README.md", "/playground/package.json", "/playground/", "/x"}) {
    const auto answer = test.client().Get(path, kBrowser);
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 404) << path;
  }
}

TEST(playground_routes, ASettingTakesItAway) {
  ServerConfig config = small_config();
  config.playground = false;
  TestServer test(hello, config);
  EXPECT_EQ(test.client().Get("/", kBrowser)->status, 404);
  EXPECT_EQ(test.client().Get("/playground/chat/main.js")->status, 404);
}

}  // namespace
}  // namespace spyhop::test
