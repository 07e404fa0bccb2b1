#include "api/grounding.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json grounding_of(const std::string& text, int width = 999, int height = 999) {
  return grounding_json({parse_grounding(text), {{width, height, 1, 1, 10, false}}});
}

/// What the family's own parser reads of answers. Where it gives up the whole answer, boxes are null there.
TEST(Grounding, ReadsWhatTheReferenceReads) {
  std::ifstream file(SPYHOP_TEST_DATA "/tables/grounding.json");
  const Json table = Json::parse(file);
  int num_boxes = 0;
  for (const Json& row : table) {
    if (row["boxes"].is_null() || row["boxes"].empty()) continue;
    const Json boxes = grounding_of(row["text"], row["image_size"][0], row["image_size"][1]);
    ASSERT_EQ(boxes.size(), row["boxes"].size()) << row;
    for (size_t i = 0; i < boxes.size(); ++i, ++num_boxes) {
      EXPECT_EQ(boxes[i]["label"], row["boxes"][i]["label"]);
      EXPECT_EQ(boxes[i]["box_px"], row["boxes"][i]["box"]) << row;
    }
  }
  EXPECT_GE(num_boxes, 6);
}

TEST(Grounding, ABoxHasItsLabelItsPlaceAndItsPixels) {
  EXPECT_EQ(grounding_of("A <|ref|>cat<|/ref|><|det|>[[10, 20, 999, 500]]<|/det|>.", 1998, 500),
            Json::parse(R"([{"label": "cat", "image_index": 0, "box_norm": [10, 20, 999, 500], "box_px": [20, 10, 1998, 250],
                             "valid": true}])"));
}

TEST(Grounding, TheLastImageIsTheOneAnAnswerSpeaksOf) {
  const Json boxes = grounding_json(
      {parse_grounding("<|det|>[[0, 0, 999, 999]]<|/det|>"), {{5, 6, 1, 1, 9, false}, {70, 80, 1, 1, 9, false}}});
  EXPECT_EQ(boxes[0]["image_index"], 1);
  EXPECT_EQ(boxes[0]["box_px"], Json({0, 0, 70, 80}));
  EXPECT_TRUE(boxes[0]["label"].is_null());
}

TEST(Grounding, OneLabelMayHaveManyBoxesAndAnAnswerManyLabels) {
  const auto boxes = parse_grounding(
      "<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4], [5, 6, 7, 8]]<|/det|> and <|ref|>狗<|/ref|><|det|>[[0,0,1,1]]<|/det|>");
  ASSERT_EQ(boxes.size(), 3U);
  EXPECT_EQ(boxes[1].label, "a");
  EXPECT_EQ(boxes[2].label, "狗");
  for (const GroundedBox& box : boxes) EXPECT_TRUE(box.valid()) << box.problem;
}

struct Malformed {
  const char* text;
  const char* problem;  // of the last box
  size_t num_boxes = 1;
};

TEST(Grounding, MalformedBoxesAreReportedNotDropped) {
  const Malformed cases[] = {
      {"<|ref|>a<|/ref|> and no more", "no boxes follow the label"},
      {"<|ref|>a<|/ref|><|ref|>b<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>", "", 2},
      {"<|ref|>a", "its label is not closed"},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, 3]]<|/det|>", "it has 3 numbers, not 4"},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4, 5]]<|/det|>", "it has 5 numbers, not 4"},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, x, 4]]<|/det|>", "something in it is not a number"},
      {"<|ref|>a<|/ref|><|det|>[[]]<|/det|>", "it has 0 numbers, not 4"},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, 3, 1000]]<|/det|>", "a number is out of 0 to 999"},
      {"<|ref|>a<|/ref|><|det|>[[-1, 2, 3, 4]]<|/det|>", "a number is out of 0 to 999"},
      {"<|ref|>a<|/ref|><|det|>[[9, 8, 7, 6]]<|/det|>", "the right or lower side comes first"},
      {"<|ref|>a<|/ref|><|det|>[5, 6, 7, 8]<|/det|>", "it is not in a list of boxes"},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4], [5, 6", "the list breaks off in it", 2},
      {"<|ref|>a<|/ref|><|det|>[[1, 2, 3, 4], [5, 6, [7, 8, 9, 9]]<|/det|>", "", 3},
      {"<|ref|>a<|/ref|><|det|>nothing<|/det|>", "there are no boxes in the list"},
      {"<|ref|>a<|/ref|><|det|>", "the list breaks off"},
      {"<|ref|>a<|/ref|><|det|>[[1e999, 2, 3, 4]]<|/det|>", "something in it is not a number"},
      {"<|ref|>a<|/ref|><|det|>[[nan, 2, 3, 4]]<|/det|>", "something in it is not a number"},
  };
  for (const Malformed& each : cases) {
    const auto boxes = parse_grounding(each.text);
    ASSERT_EQ(boxes.size(), each.num_boxes) << each.text;
    EXPECT_EQ(boxes.back().problem, each.problem) << each.text;
  }
  EXPECT_EQ(parse_grounding(cases[1].text).front().problem, "no boxes follow the label");
  EXPECT_EQ(parse_grounding(cases[12].text)[1].problem, "the list breaks off in it");
}

TEST(Grounding, TextWithoutTagsHasNone) {
  EXPECT_TRUE(parse_grounding("").empty());
  EXPECT_TRUE(parse_grounding("a list [[1, 2, 3, 4]] of numbers <|/ref|> <|/det|>").empty());
  const std::vector<ImageUse> one(1);
  EXPECT_FALSE(boxes_of("plain", false, one));
  EXPECT_TRUE(boxes_of("plain", true, one));
  EXPECT_TRUE(boxes_of("<|ref|>a<|/ref|>", false, one));
  EXPECT_FALSE(boxes_of("<|ref|>a<|/ref|>", true, {})) << "boxes are in images";
}

TEST(Grounding, ManyBoxesTakeALimitedListAndLinearTime) {
  std::string text = "<|det|>[";
  for (int i = 0; i < 300000; ++i) text += "[1, 2, 3, 4], ";
  EXPECT_EQ(parse_grounding(text).size(), kMaxGroundedBoxes);
  std::string tags;
  for (int i = 0; i < 200000; ++i) tags += "<|ref|>";
  EXPECT_EQ(parse_grounding(tags).size(), kMaxGroundedBoxes);
}

TEST(Grounding, WildNumbersHavePixelsInRange) {
  EXPECT_EQ(grounded_pixel(1e300, 1000), 1000000000);
  EXPECT_EQ(grounded_pixel(-1e300, 1000), -1000000000);
}

}  // namespace
}  // namespace spyhop
