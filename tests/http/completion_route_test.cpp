#include "http/completion_route.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/test_server.h"

namespace spyhop::test {
namespace {

using nlohmann::json;

/// Answers each prompt with itself and "!".
Script repeat(const ChatRequest& request) {
  Script script;
  const auto* text = std::get_if<std::string>(&request.prompt->content);
  for (int choice = 0; choice < request.n; ++choice) {
    TextDelta delta{choice, text == nullptr ? "ids" : *text, {}, 1};
    if (request.sampling.logprobs) delta.logprobs = {{"\xc3\xa9", -0.5, {{"e", -1.0}}}, {"x", -2.0, {}}};
    script.push_back({{}, delta});
    script.push_back({{}, TextDelta{choice, "!", {}, 2}});
    script.push_back({{}, ChoiceFinish{choice, FinishReason::kStop, 2, request.stop.empty() ? -1 : 0}});
  }
  Usage usage;
  usage.prompt_tokens = 5;
  usage.completion_tokens = 2 * request.n;
  script.push_back({{}, StreamEnd{usage}});
  return script;
}

class CompletionRoute : public testing::Test {
 protected:
  json post(const json& body, int status = 200) {
    auto client = test_.client();
    const auto result = client.Post("/v1/completions", body.dump(), "application/json");
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, status) << result->body;
    return json::parse(result->body);
  }

  std::vector<json> stream(json body) {
    body["stream"] = true;
    auto client = test_.client();
    const auto result = client.Post("/v1/completions", body.dump(), "application/json");
    EXPECT_TRUE(result);
    std::vector<json> chunks;
    std::istringstream lines(result->body);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("data: {", 0) == 0) chunks.push_back(json::parse(line.substr(6)));
    }
    EXPECT_NE(result->body.find("data: [DONE]"), std::string::npos);
    return chunks;
  }

  TestServer test_{repeat};
};

TEST_F(CompletionRoute, AnswersWithATextCompletion) {
  const json answer = post({{"prompt", "one"}, {"stop", "!"}});
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_EQ(answer["id"].get<std::string>().rfind("cmpl-", 0), 0U);
  EXPECT_EQ(answer["choices"], json::parse(R"([{"text": "one!", "index": 0, "logprobs": null, "finish_reason": "stop",
                                               "stop_reason": "!"}])"));
  EXPECT_EQ(answer["usage"]["total_tokens"], 7);
  EXPECT_EQ(test_.engine.last_request().max_tokens, 16);
}

TEST_F(CompletionRoute, CountsTheChoicesOfSeveralPromptsThrough) {
  const json answer = post({{"prompt", {"a", "b"}}, {"n", 2}});
  ASSERT_EQ(answer["choices"].size(), 4U);
  const std::vector<std::string> expected = {"a!", "a!", "b!", "b!"};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(answer["choices"][i]["text"], expected[i]);
    EXPECT_EQ(answer["choices"][i]["index"], i);
  }
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 10);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 8);
}

TEST_F(CompletionRoute, TakesTokenIds) {
  EXPECT_EQ(post({{"prompt", {72, 105}}})["choices"].size(), 1U);
  EXPECT_EQ(std::get<std::vector<int32_t>>(test_.engine.last_request().prompt->content), (std::vector<int32_t>{72, 105}));
  EXPECT_EQ(post({{"prompt", {{72}, {105}}}})["choices"].size(), 2U);
}

TEST_F(CompletionRoute, EchoesThePrompt) {
  EXPECT_EQ(post({{"prompt", "one"}, {"echo", true}})["choices"][0]["text"], "oneone!");
  EXPECT_EQ(post({{"prompt", {72, 105}}, {"echo", true}})["choices"][0]["text"], "Hiids!");
  const std::vector<json> chunks = stream({{"prompt", {"a", "b"}}, {"echo", true}});
  EXPECT_EQ(chunks[0]["choices"][0]["text"], "a");
  EXPECT_EQ(chunks[1]["choices"][0]["text"], "b");
  EXPECT_EQ(chunks[1]["choices"][0]["index"], 1);
}

TEST_F(CompletionRoute, ListsLogprobsWithOffsetsInCharacters) {
  const json logprobs = post({{"prompt", "one"}, {"logprobs", 1}})["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], json({"\xc3\xa9", "x"}));
  EXPECT_EQ(logprobs["token_logprobs"], json({-0.5, -2.0}));
  EXPECT_EQ(logprobs["top_logprobs"][0], json::parse("{\"\xc3\xa9\": -0.5, \"e\": -1.0}"));
  EXPECT_EQ(logprobs["text_offset"], json({0, 1}));
}

TEST_F(CompletionRoute, StreamsPieceByPiece) {
  const std::vector<json> chunks = stream({{"prompt", "one"}, {"stream_options", {{"include_usage", true}}}});
  ASSERT_EQ(chunks.size(), 4U);
  EXPECT_EQ(chunks[0]["choices"][0]["text"], "one");
  EXPECT_TRUE(chunks[0]["usage"].is_null());
  EXPECT_EQ(chunks[2]["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(chunks[3]["choices"].empty());
  EXPECT_EQ(chunks[3]["usage"]["completion_tokens"], 2);
}

TEST_F(CompletionRoute, RefusesWhatItCannotDo) {
  const auto param = [&](json body) { return post(std::move(body), 400)["error"]["param"]; };
  EXPECT_EQ(param({{"prompt", "x"}, {"suffix", "y"}}), "suffix");
  EXPECT_EQ(param({{"prompt", "x"}, {"best_of", 2}}), "best_of");
  EXPECT_EQ(param({{"prompt", "x"}, {"echo", true}, {"logprobs", 1}}), "logprobs");
  EXPECT_EQ(param({{"prompt", json::array()}}), "prompt");
  EXPECT_EQ(param({{"prompt", {1, -1}}}), "prompt[1]");
  EXPECT_EQ(param({{"prompt", {"a", 1}}}), "prompt[1]");
  EXPECT_EQ(param(json::object()), "prompt");
  EXPECT_EQ(param({{"prompt", json::array_t(128, "x")}, {"n", 2}}), "n");
  EXPECT_EQ(param({{"prompt", json::array_t(129, "x")}}), "prompt");
  post({{"prompt", "x"}, {"best_of", 2}, {"n", 2}});
}

}  // namespace
}  // namespace spyhop::test
