#include "api/models_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

ModelStatus served_model() {
  ModelStatus model;
  model.state = ModelState::kReady;
  model.created = 1734000000;
  model.description = {"mine",
                       "deepseek-vl2",
                       {"en", "zh"},
                       {"chat", "vision"},
                       "what it is",
                       "libtorch",
                       "pytorch",
                       3,
                       "none",
                       "huggingface",
                       "deepseek-ai/deepseek-vl2-tiny",
                       "main",
                       4096};
  return model;
}

TEST(models_json, AModelSatisfiesOpenAiAndShowsWhatGoesInAndComesOut) {
  const Json json = Json::parse(model_json(served_model(), "127.0.0.1:9997"));
  EXPECT_EQ(json["id"], "mine");
  EXPECT_EQ(json["object"], "model");
  EXPECT_EQ(json["created"], 1734000000);
  EXPECT_EQ(json["owned_by"], "spyhop");
  EXPECT_EQ(json["max_model_len"], 4096);
  EXPECT_EQ(json["input_modalities"], Json::array({"text", "image"}));
  EXPECT_EQ(json["architecture"]["output_modalities"], Json::array({"text"}));
}

TEST(models_json, AModelIsTheFlatDescriptionThatXinferenceClientsRead) {
  const Json json = Json::parse(model_json(served_model(), "127.0.0.1:9997"));
  const Json expected = {{"model_type", "LLM"},
                         {"address", "127.0.0.1:9997"},
                         {"accelerators", Json::array()},
                         {"model_name", "deepseek-vl2"},
                         {"model_lang", {"en", "zh"}},
                         {"model_ability", {"chat", "vision"}},
                         {"model_description", "what it is"},
                         {"model_format", "pytorch"},
                         {"model_size_in_billions", 3},
                         {"model_family", "deepseek-vl2"},
                         {"quantization", "none"},
                         {"multimodal_projector", nullptr},
                         {"model_hub", "huggingface"},
                         {"revision", "main"},
                         {"context_length", 4096},
                         {"replica", 1}};
  for (const auto& [key, value] : expected.items()) EXPECT_EQ(json[key], value) << key;
}

TEST(models_json, WhatIsNotKnownIsNull) {
  ModelStatus model;
  model.description.uid = "tuned";
  const Json json = Json::parse(model_json(model, ""));
  for (const char* key : {"model_size_in_billions", "model_hub", "revision"}) EXPECT_TRUE(json[key].is_null()) << key;
}

TEST(models_json, TheListHoldsEachModel) {
  const ModelStatus model = served_model();
  const std::string one = model_json(model, "");
  EXPECT_EQ(model_list_json({model, model}, ""), R"({"object":"list","data":[)" + one + "," + one + "]}");
  EXPECT_EQ(model_list_json({}, ""), R"({"object":"list","data":[]})");
}

}  // namespace
}  // namespace spyhop
