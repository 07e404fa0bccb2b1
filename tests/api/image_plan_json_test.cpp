#include "api/image_plan_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace spyhop {
namespace {

using Json = nlohmann::json;

TEST(ImagePlan, CountsWhatIsLeftOfTheContext) {
  const Json plan = Json::parse(image_plan_json({"tiny", {{768, 384, 2, 1, 617, false}}, 640, 4096, 0}));
  EXPECT_EQ(plan["images"][0], Json::parse(R"({"index": 0, "width": 768, "height": 384, "tiles": {"cols": 2, "rows": 1},
                                              "tokens": 617, "lowered": false})"));
  EXPECT_EQ(plan["image_tokens"], 617);
  EXPECT_EQ(plan["text_tokens"], 23);
  EXPECT_EQ(plan["remaining_tokens"], 3456);
  EXPECT_EQ(plan["fits"], true);
  EXPECT_TRUE(plan["warnings"].empty());
  EXPECT_FALSE(plan.contains("advice"));
}

TEST(ImagePlan, SaysWhatWouldHelpWhereItDoesNotFit) {
  const ImageUse large{400, 3600, 1, 9, 2101, false};
  const Json plan = Json::parse(image_plan_json({"tiny", {large, large}, 4210, 4096, 0}));
  EXPECT_EQ(plan["fits"], false);
  EXPECT_EQ(plan["remaining_tokens"], 0);
  EXPECT_NE(plan["advice"].get<std::string>().find("\"detail\": \"low\" for image 1"), std::string::npos);
  const Json small = Json::parse(image_plan_json({"tiny", {{9, 9, 1, 1, 421, false}}, 4000, 4096, 100}));
  EXPECT_EQ(small["fits"], false) << "max_tokens count";
  EXPECT_EQ(small["advice"], "send fewer images or less text");
}

TEST(ImagePlan, WarnsOfAThirdImageAndOfLoweredOnes) {
  EXPECT_TRUE(image_warnings(std::vector<ImageUse>(2)).empty());
  const auto three = image_warnings(std::vector<ImageUse>(3));
  ASSERT_EQ(three.size(), 1U);
  EXPECT_NE(three[0].get<std::string>().find("3 images"), std::string::npos);
  const auto lowered = image_warnings({{900, 900, 2, 1, 600, true}});
  ASSERT_EQ(lowered.size(), 1U);
  EXPECT_NE(lowered[0].get<std::string>().find("image 1 was tiled 2 x 1"), std::string::npos);
}

TEST(ImagePlan, TakesImagesOrMessages) {
  const ChatRequest images = parse_image_plan_request(
      R"({"model": "m", "images": ["http://a/b.png", {"url": "http://a/c.png", "detail": "low"}]})", 8);
  EXPECT_EQ(images.model, "m");
  ASSERT_EQ(images.messages.at(0).content.size(), 2U);
  EXPECT_EQ(std::get<ImagePart>(images.messages[0].content[1]).detail, ImageDetail::kLow);
  const ChatRequest messages =
      parse_image_plan_request(R"({"messages": [{"role": "user", "content": "hi"}], "auto_detail": true, "max_tokens": 7})", 8);
  EXPECT_TRUE(messages.auto_detail);
  EXPECT_EQ(messages.max_tokens, 7);
  for (const char* body : {"[]", "{}", R"({"images": []})", R"({"images": 3})", R"({"images": ["u"], "messages": []})"}) {
    EXPECT_THROW(parse_image_plan_request(body, 8), Error) << body;
  }
}

}  // namespace
}  // namespace spyhop
