#include "http/grounding_route.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/test_server.h"

namespace spyhop::test {
namespace {

using nlohmann::json;

/// What the request asks for: the text after its image.
std::string question_of(const ChatRequest& request) {
  return std::get<TextPart>(request.messages.back().content.back()).text;
}

/// Two boxes for the cat, a broken one for anything else; the last box comes in two pieces.
Script locate(const ChatRequest& request) {
  const bool is_cat = question_of(request).find("cat") != std::string::npos;
  Script script;
  if (is_cat) {
    script.push_back({{}, TextDelta{0, "<|ref|>the cat<|/ref|><|det|>[[0, 0, 499, 999], [500,", {}, 10}});
    script.push_back({{}, TextDelta{0, " 250, 999, 999]]<|/det|>", {}, 20}});
  } else {
    script.push_back({{}, TextDelta{0, "<|ref|>狗<|/ref|><|det|>[[1, 2, 3]]<|/det|>", {}, 8}});
  }
  script.push_back({{}, ChoiceFinish{0, FinishReason::kStop, 20}});
  Usage usage;
  usage.prompt_tokens = 50;
  usage.image_tokens = 40;
  usage.completion_tokens = 20;
  script.push_back({{}, StreamEnd{usage}});
  return script;
}

class GroundingRoute : public testing::Test {
 protected:
  GroundingRoute() {
    ImageUse image;
    image.width = 200;
    image.height = 400;
    image.num_tokens = 40;
    test_.engine.images = {image};
  }

  httplib::Result send(const json& body, const std::string& accept = "*/*") {
    auto client = test_.client();
    return client.Post("/v1/grounding", {{"Accept", accept}}, body.dump(), "application/json");
  }

  json post(const json& body, int status = 200) {
    const auto result = send(body);
    EXPECT_TRUE(result);
    EXPECT_EQ(result->status, status) << result->body;
    return json::parse(result->body);
  }

  void expect_refused(const json& body, const std::string& param) {
    const json answer = post(body, 400);
    EXPECT_EQ(answer["error"]["param"], param) << answer;
  }

  TestServer test_{locate};
  const json two_{{"image", "data:,x"}, {"phrases", {"the cat", "狗"}}};
};

TEST_F(GroundingRoute, AnswersWithTheBoxesOfEachPhrase) {
  const json answer = post(two_);
  EXPECT_EQ(answer["object"], "grounding");
  EXPECT_EQ(answer["image"]["width"], 200);
  ASSERT_EQ(answer["results"].size(), 2u);
  const json& cat = answer["results"][0];
  EXPECT_EQ(cat["index"], 0);
  EXPECT_EQ(cat["phrase"], "the cat");
  EXPECT_EQ(cat["finish_reason"], "stop");
  ASSERT_EQ(cat["boxes"].size(), 2u);
  EXPECT_EQ(cat["boxes"][0]["box_norm"], json({0, 0, 499, 999}));
  EXPECT_EQ(cat["boxes"][0]["box_px"], json({0, 0, 99, 400}));
  EXPECT_EQ(cat["boxes"][0]["image_index"], 0);
  EXPECT_EQ(cat["boxes"][1]["box_px"], json({100, 100, 200, 400}));
  const json& dog = answer["results"][1];
  EXPECT_EQ(dog["phrase"], "狗");
  EXPECT_EQ(dog["boxes"][0]["valid"], false);
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 100);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 40);
}

TEST_F(GroundingRoute, DrawsTheValidBoxesWherePngIsWanted) {
  const auto result = send(two_, "image/png");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->get_header_value("Content-Type"), "image/png");
  EXPECT_EQ(result->body, "bytes of data:,x\nthe cat 0 0 0 99 400\nthe cat 0 100 100 200 400");
}

TEST_F(GroundingRoute, PrefersWhatIsListedFirst) {
  EXPECT_EQ(send(two_, "Image/PNG, application/json;q=0.5")->get_header_value("Content-Type"), "image/png");
  EXPECT_EQ(send(two_, "application/json, image/png")->get_header_value("Content-Type"), "application/json");
  EXPECT_EQ(send(two_, "image/*")->get_header_value("Content-Type"), "application/json");
}

TEST_F(GroundingRoute, AsksAsTaskLocateDoesWithTheImageFetchedOnce) {
  post({{"image", {{"url", "data:,x"}, {"detail", "low"}}}, {"phrase", "the cat"}, {"max_boxes", 3}, {"max_tokens", 99}});
  const ChatRequest asked = test_.engine.last_request();
  EXPECT_EQ(question_of(asked), "<|ref|>the cat<|/ref|>.");
  const auto& image = std::get<ImagePart>(asked.messages.at(0).content.at(0));
  EXPECT_EQ(*image.bytes, "bytes of data:,x");
  EXPECT_EQ(image.detail, ImageDetail::kLow);
  EXPECT_EQ(asked.sampling.temperature, 0);
  EXPECT_EQ(asked.max_tokens, 99);
  EXPECT_EQ(asked.boxes.value().max_boxes, 3);
  EXPECT_TRUE(asked.loop_guard);
}

TEST_F(GroundingRoute, SubmitsFurtherPhrasesOnceTheFirstHasBegun) {
  TestServer held([](const ChatRequest& request) {
    Script script = locate(request);
    script.front().gated = true;
    return script;
  });
  held.engine.images = test_.engine.images;
  std::thread opener([&] {
    EXPECT_TRUE(held.engine.wait_for_requests(1, std::chrono::seconds(20)));
    EXPECT_FALSE(held.engine.wait_for_requests(2, std::chrono::milliseconds(50)));
    held.engine.open_gate();
  });
  const auto result = held.client().Post("/v1/grounding", two_.dump(), "application/json");
  opener.join();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 200);
  EXPECT_TRUE(held.engine.wait_for_requests(2, std::chrono::seconds(1)));
}

TEST_F(GroundingRoute, RefusesWhatItCannotUse) {
  expect_refused(json::object(), "image");
  expect_refused({{"image", 7}, {"phrase", "a"}}, "image");
  expect_refused({{"image", {{"url", "data:,x"}, {"detail", "huge"}}}, {"phrase", "a"}}, "image.detail");
  expect_refused({{"image", "data:,bad"}, {"phrase", "a"}}, "image");
  expect_refused({{"image", "data:,x"}}, "phrases");
  expect_refused({{"image", "data:,x"}, {"phrases", json::array()}}, "phrases");
  expect_refused({{"image", "data:,x"}, {"phrase", "a"}, {"phrases", {"b"}}}, "phrases");
  expect_refused({{"image", "data:,x"}, {"phrase", ""}}, "phrase");
  expect_refused({{"image", "data:,x"}, {"phrase", std::string(257, 'a')}}, "phrase");
  expect_refused({{"image", "data:,x"}, {"phrases", {"a", "<|det|>"}}}, "phrases[1]");
  expect_refused({{"image", "data:,x"}, {"phrases", std::vector<std::string>(33, "a")}}, "phrases");
  expect_refused({{"image", "data:,x"}, {"phrase", "a"}, {"max_boxes", 0}}, "max_boxes");
  expect_refused({{"image", "data:,x"}, {"phrase", "a"}, {"stream", true}}, "stream");
}

TEST_F(GroundingRoute, BlamesTheFieldImageForWhatTheEngineRefuses) {
  TestServer picky([](const ChatRequest&) -> Script {
    throw Error(ErrorCode::kInvalidRequest, "messages[0].content[0].image_url: no picture", "messages[0].content[0].image_url");
  });
  const auto result = picky.client().Post("/v1/grounding", two_.dump(), "application/json");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 400);
  const json error = json::parse(result->body)["error"];
  EXPECT_EQ(error["param"], "image");
  EXPECT_EQ(error["message"], "image: no picture");
}

}  // namespace
}  // namespace spyhop::test
