#include "http/token_routes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/test_server.h"

namespace spyhop::test {
namespace {

using nlohmann::json;

class TokenRoutes : public testing::Test {
 protected:
  json post(const char* path, const json& body, int status = 200) {
    auto client = test_.client();
    const auto result = client.Post(path, body.dump(), "application/json");
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, status) << result->body;
    return json::parse(result->body);
  }

  const json conversation_ = json::parse(R"([{"role": "user", "content": [
      {"type": "text", "text": "abc"}, {"type": "image_url", "image_url": {"url": "data:,"}}]}])");
  TestServer test_;
};

TEST_F(TokenRoutes, TokenizeAPrompt) {
  EXPECT_EQ(post("/tokenize", {{"prompt", "ab"}}),
            json::parse(R"({"count": 2, "max_model_len": 4096, "tokens": [97, 98], "token_strs": null, "image_tokens": 0})"));
  EXPECT_EQ(post("/tokenize", {{"prompt", "ab"}, {"return_token_strs", true}})["token_strs"], json({"a", "b"}));
}

TEST_F(TokenRoutes, CountImages) {
  EXPECT_EQ(post("/tokenize", {{"messages", conversation_}})["count"], 103);
  const json counted = post("/v1/chat/completions/input_tokens", {{"messages", conversation_}});
  EXPECT_EQ(counted["input_tokens"], 103);
  EXPECT_EQ(counted["input_tokens_details"]["image_tokens"], 100);
}

TEST_F(TokenRoutes, NeedAPromptOrMessages) {
  EXPECT_EQ(post("/tokenize", json::object(), 400)["error"]["param"], "prompt");
  EXPECT_EQ(post("/tokenize", {{"prompt", "a"}, {"messages", conversation_}}, 400)["error"]["param"], "prompt");
}

TEST_F(TokenRoutes, Detokenize) {
  EXPECT_EQ(post("/detokenize", {{"tokens", {72, 105}}}), json({{"prompt", "Hi"}}));
  EXPECT_EQ(post("/detokenize", json::object(), 400)["error"]["param"], "tokens");
  EXPECT_EQ(post("/detokenize", {{"tokens", {1, "x"}}}, 400)["error"]["param"], "tokens[1]");
}

TEST_F(TokenRoutes, PathsOfOtherServersSayWhyTheyAreNotThere) {
  const json error = post("/v1/embeddings", {{"input", "x"}}, 404)["error"];
  EXPECT_EQ(error["code"], "not_found");
  EXPECT_NE(error["message"].get<std::string>().find("write texts"), std::string::npos);
  EXPECT_EQ(post("/v1/embeddingsx", {}, 404)["error"]["message"].get<std::string>().find("write texts"), std::string::npos);
}

}  // namespace
}  // namespace spyhop::test
