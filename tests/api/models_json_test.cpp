#include "api/models_json.h"

#include <gtest/gtest.h>

#include <string>

namespace spyhop {
namespace {

const ModelInfo kModel{"deepseek-ai/deepseek-vl2-tiny", 1734000000, 4096, "fp_1"};

const std::string kModelJson =
    R"({"id":"deepseek-ai/deepseek-vl2-tiny","object":"model","created":1734000000,"owned_by":"spyhop","max_model_len":4096,)"
    R"("architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},"input_modalities":["text","image"]})";

TEST(models_json, AModelShowsWhatGoesInAndComesOut) {
  EXPECT_EQ(model_json(kModel), kModelJson);
}

TEST(models_json, TheListHoldsEachModel) {
  EXPECT_EQ(model_list_json({kModel, kModel}), R"({"object":"list","data":[)" + kModelJson + "," + kModelJson + "]}");
  EXPECT_EQ(model_list_json({}), R"({"object":"list","data":[]})");
}

}  // namespace
}  // namespace spyhop
