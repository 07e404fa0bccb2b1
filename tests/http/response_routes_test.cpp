#include "http/response_routes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/test_server.h"

namespace spyhop::test {
namespace {

using nlohmann::json;

class ResponseRoutes : public testing::Test {
 protected:
  static json check(const httplib::Result& result, int status) {
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, status) << result->body;
    return json::parse(result->body);
  }

  json create(const json& body, int status = 200) {
    return check(test_.client().Post("/v1/responses", body.dump(), "application/json"), status);
  }
  json get(const std::string& path, int status = 200) { return check(test_.client().Get("/v1/responses/" + path), status); }

  std::vector<std::string> conversation() const {
    std::vector<std::string> texts;
    for (const ChatMessage& message : test_.engine.last_request().messages) {
      for (const ContentPart& part : message.content) {
        const auto* text = std::get_if<TextPart>(&part);
        texts.push_back(text == nullptr ? "image" : text->text);
      }
    }
    return texts;
  }

  TestServer test_;
};

using Texts = std::vector<std::string>;

TEST_F(ResponseRoutes, AnswerWithAResponse) {
  const json response = create({{"input", "hi"}, {"instructions", "be brief"}, {"metadata", {{"k", "v"}}}});
  EXPECT_EQ(response["object"], "response");
  EXPECT_EQ(response["status"], "completed");
  EXPECT_EQ(response["instructions"], "be brief");
  EXPECT_EQ(response["metadata"], json({{"k", "v"}}));
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hello");
  EXPECT_EQ(response["usage"]["input_tokens"], 5);
  EXPECT_EQ(response["usage"]["output_tokens"], 2);
  EXPECT_EQ(conversation(), (Texts{"be brief", "hi"}));
}

TEST_F(ResponseRoutes, AreKeptShownAndDeleted) {
  const json response = create({{"input", "hi"}});
  const std::string id = response["id"];
  EXPECT_EQ(get(id), response);
  EXPECT_EQ(check(test_.client().Delete(("/v1/responses/" + id).c_str()), 200),
            json({{"id", id}, {"object", "response"}, {"deleted", true}}));
  EXPECT_EQ(get(id, 404)["error"]["code"], "not_found");
}

TEST_F(ResponseRoutes, AreNotKeptUnasked) {
  get(create({{"input", "hi"}, {"store", false}})["id"], 404);
}

TEST_F(ResponseRoutes, GoOnFromAnother) {
  const json first = create({{"input", "one"}, {"instructions", "be brief"}});
  create({{"input", "two"}, {"previous_response_id", first["id"]}, {"instructions", "be long"}});
  EXPECT_EQ(conversation(), (Texts{"be long", "one", "Hello", "two"}));
  EXPECT_EQ(create({{"input", "x"}, {"previous_response_id", "resp_none"}}, 404)["error"]["param"], "previous_response_id");
}

TEST_F(ResponseRoutes, ListTheirInput) {
  const std::string id = create({{"input", json::parse(R"([
      {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
      {"role": "user", "content": [{"type": "input_text", "text": "three"}, {"type": "input_image", "image_url": "data:,"}]}])")}})
      ["id"];
  EXPECT_EQ(conversation(), (Texts{"one", "two", "three", "image"}));
  const json all = get(id + "/input_items?order=asc");
  ASSERT_EQ(all["data"].size(), 3U);
  EXPECT_EQ(all["data"][0]["content"][0]["text"], "one");
  EXPECT_EQ(all["data"][1]["content"][0]["type"], "output_text");
  EXPECT_EQ(all["data"][2]["content"][1]["image_url"], "data:,");
  EXPECT_FALSE(all["has_more"]);
  const json newest = get(id + "/input_items?limit=1");
  EXPECT_EQ(newest["data"][0], all["data"][2]);
  EXPECT_TRUE(newest["has_more"]);
  const json next = get(id + "/input_items?limit=1&after=" + newest["last_id"].get<std::string>());
  EXPECT_EQ(next["data"][0], all["data"][1]);
  EXPECT_EQ(get(id + "/input_items?limit=0", 400)["error"]["param"], "limit");
  EXPECT_EQ(get(id + "/input_items?after=x", 400)["error"]["param"], "after");
}

TEST_F(ResponseRoutes, StreamNumberedEventsWithNames) {
  const auto result =
      test_.client().Post("/v1/responses", json({{"input", "hi"}, {"stream", true}}).dump(), "application/json");
  ASSERT_TRUE(result);
  std::vector<std::string> names;
  std::string text;
  json last;
  std::istringstream lines(result->body);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("event: ", 0) == 0) names.push_back(line.substr(7));
    if (line.rfind("data: ", 0) != 0) continue;
    last = json::parse(line.substr(6));
    EXPECT_EQ(last["type"], names.back());
    EXPECT_EQ(last["sequence_number"], names.size() - 1);
    if (last["type"] == "response.output_text.delta") text += last["delta"];
  }
  EXPECT_EQ(names,
            (Texts{"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
                   "response.output_text.delta", "response.output_text.delta", "response.output_text.done",
                   "response.content_part.done", "response.output_item.done", "response.completed"}));
  EXPECT_EQ(text, "Hello");
  EXPECT_EQ(get(last["response"]["id"]), last["response"]);
  EXPECT_EQ(result->body.find("[DONE]"), std::string::npos);
}

TEST_F(ResponseRoutes, NameTheItemToBlame) {
  const auto param = [&](const char* input) { return create({{"input", json::parse(input)}}, 400)["error"]["param"]; };
  EXPECT_EQ(param("[]"), "input");
  EXPECT_EQ(param("7"), "input");
  EXPECT_EQ(param(R"([{"role": "user", "content": "x"}, {"role": "tool", "content": "x"}])"), "input[1].role");
  EXPECT_EQ(param(R"([{"type": "function_call_output", "output": "x"}])"), "input[0].type");
  EXPECT_EQ(param(R"([{"role": "user", "content": [{"type": "input_file"}]}])"), "input[0].content[0].type");
  EXPECT_EQ(param(R"([{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}])"),
            "input[0].content[0].file_id");
}

TEST_F(ResponseRoutes, RefuseWhatTheyCannotDo) {
  const auto param = [&](const char* field, const json& value) {
    return create({{"input", "x"}, {field, value}}, 400)["error"]["param"];
  };
  EXPECT_EQ(param("background", true), "background");
  EXPECT_EQ(param("tools", json::parse(R"([{"type": "function"}])")), "tools");
  EXPECT_EQ(param("truncation", "auto"), "truncation");
  EXPECT_EQ(param("include", json::parse(R"(["reasoning.encrypted_content"])")), "include");
  EXPECT_EQ(param("metadata", json::parse(R"({"k": 1})")), "metadata.k");
}

TEST_F(ResponseRoutes, CountTokens) {
  const auto result = test_.client().Post("/v1/responses/input_tokens", json({{"input", "hello"}}).dump(), "application/json");
  EXPECT_EQ(check(result, 200)["input_tokens"], 5);
}

TEST_F(ResponseRoutes, CancelOnlyWhatIsInProgress) {
  const std::string id = create({{"input", "hi"}})["id"];
  check(test_.client().Post("/v1/responses/" + id + "/cancel", "{}", "application/json"), 400);
}

TEST(response_routes, AStreamThatIsCancelledEnds) {
  TestServer test(endless);
  std::string id;
  auto client = test.client();
  bool cancelled = false;
  const auto receive = [&](const char* data, size_t size) {
    const std::string text(data, size);
    const size_t at = text.find("resp_");
    if (id.empty() && at != std::string::npos) id = text.substr(at, text.find('"', at) - at);
    if (!cancelled && text.find("output_text.delta") != std::string::npos) {
      const auto result = test.client().Post("/v1/responses/" + id + "/cancel", "{}", "application/json");
      cancelled = result && json::parse(result->body)["status"] == "cancelled";
    }
    return true;
  };
  httplib::Request request;
  request.method = "POST";
  request.path = "/v1/responses";
  request.body = R"({"input": "hi", "stream": true})";
  request.set_header("Content-Type", "application/json");
  request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) { return receive(data, size); };
  client.send(request);
  EXPECT_TRUE(cancelled);
  EXPECT_TRUE(test.engine.wait_for_open(0, std::chrono::seconds(20)));
  const auto shown = test.client().Get("/v1/responses/" + id);
  EXPECT_EQ(json::parse(shown->body)["status"], "cancelled");
}

}  // namespace
}  // namespace spyhop::test
