#include "registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "common/file.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kModelsDir = std::string(SPYHOP_SOURCE_DIR) + "/models";

std::string shipped_text() {
  return read_text_file(kModelsDir + "/deepseek-vl2.json", size_t{1} << 20);
}

std::string complaint(const std::function<void(json&)>& edit) {
  json document = json::parse(shipped_text());
  edit(document);
  try {
    parse_model_family(document.dump(), "m.json");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    return e.what();
  }
  return "no error";
}

TEST(Registry, the_shipped_family_says_what_it_is) {
  const Registry registry = Registry::load(kModelsDir);
  const ModelFamily& family = registry.family("deepseek-vl2");
  EXPECT_EQ(family.context_length, 4096);
  EXPECT_THAT(family.languages, ElementsAre("en", "zh"));
  EXPECT_THAT(family.abilities, ElementsAre("chat", "vision"));
  EXPECT_THAT(family.stop, ElementsAre("<｜end▁of▁sentence｜>"));
  EXPECT_THAT(family.description, HasSubstr("Mixture-of-Experts"));
  ASSERT_EQ(family.variants.size(), 3U);
  const ModelVariant& base = family.variants[0];
  EXPECT_EQ(base.size_in_billions, 27);
  EXPECT_EQ(base.activated_size, "4_5");
  EXPECT_EQ(base.format, "pytorch");
  EXPECT_THAT(base.quantizations, ElementsAre("none"));
  ASSERT_EQ(base.sources.size(), 2U);
  EXPECT_EQ(base.sources[0].hub, "huggingface");
  EXPECT_EQ(base.sources[0].model_id, "deepseek-ai/deepseek-vl2");
  EXPECT_EQ(base.sources[1].hub, "modelscope");
}

TEST(Registry, sizes_are_found_by_number_and_by_name) {
  const ModelFamily family = parse_model_family(shipped_text(), "m.json");
  EXPECT_EQ(family.variant("27").name, "base");
  EXPECT_EQ(family.variant("16").activated_size, "2_8");
  EXPECT_EQ(family.variant("small").size_in_billions, 16);
  EXPECT_EQ(family.variant("3").name, "tiny");
  EXPECT_EQ(&family.variant("tiny"), &family.variant("3"));
}

TEST(Registry, an_unknown_size_names_those_there_are) {
  const ModelFamily family = parse_model_family(shipped_text(), "m.json");
  try {
    family.variant("7");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.param(), "size_in_billions");
    EXPECT_STREQ(e.what(), "model deepseek-vl2 has no size \"7\"; allowed: 27 (base), 16 (small), 3 (tiny)");
  }
}

TEST(Registry, an_unknown_family_names_those_there_are) {
  const Registry registry = Registry::load(kModelsDir);
  try {
    registry.family("deepseek-vl");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelNotFound);
    EXPECT_STREQ(e.what(), "no model is named \"deepseek-vl\"; allowed: deepseek-vl2");
  }
}

TEST(Registry, configurations_equal_those_of_the_hubs) {
  const json specs = json::parse(shipped_text())["model_specs"];
  for (const json& spec : specs) {
    const std::string size = spec["variant"];
    const std::string path = std::string(SPYHOP_TEST_DATA) + "/real_configs/" + size + "/config.json";
    EXPECT_EQ(spec["config"], json::parse(read_text_file(path, size_t{1} << 20))) << size;
  }
}

TEST(Registry, dimensions_are_had_without_a_checkpoint) {
  const ModelConfig tiny = registered_model_config("deepseek-vl2", "3");
  EXPECT_EQ(tiny.language.hidden_size, 1280);
  EXPECT_EQ(tiny.processor.candidate_resolutions.size(), 23U);
  EXPECT_EQ(registered_model_config("deepseek-vl2", "base").language.num_layers, 30);
}

TEST(Registry, the_environment_names_another_folder) {
  const testing::TempDir dir;
  dir.write("other.json", [] {
    json document = json::parse(shipped_text());
    document["model_name"] = "other";
    return document.dump();
  }());
  setenv("SPYHOP_MODELS_DIR", dir.path().c_str(), 1);
  EXPECT_EQ(find_models_dir(), dir.path());
  EXPECT_EQ(registered_model_config("other", "16").language.hidden_size, 2048);
  EXPECT_THROW(registered_model_config("deepseek-vl2", "16"), Error);
  unsetenv("SPYHOP_MODELS_DIR");
}

TEST(Registry, bad_folders_are_named) {
  const testing::TempDir dir;
  EXPECT_THROW(Registry::load(dir.file("none")), Error);
  EXPECT_THROW(Registry::load(dir.path()), Error);
  dir.write("a.json", shipped_text());
  dir.write("b.json", shipped_text());
  try {
    Registry::load(dir.path());
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("b.json: model_name = \"deepseek-vl2\"; allowed: a name that no other file"));
  }
}

TEST(ModelFamily, unknown_keys_are_reported_by_path) {
  const auto edit = [](json& document) {
    document["modelname"] = "x";
    document["model_specs"][1]["size"] = 16;
    document["model_specs"][2]["model_src"]["github"] = json::object();
    document["model_specs"][0]["model_src"]["modelscope"]["revision"] = "main";
  };
  const std::string said = complaint(edit);
  EXPECT_THAT(said, HasSubstr("4 problems"));
  EXPECT_THAT(said, HasSubstr("m.json: modelname is unknown; allowed: \"context_length\", "));
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[1].size is unknown"));
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[2].model_src.github is unknown"));
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[0].model_src.modelscope.revision is unknown"));
}

TEST(ModelFamily, problems_of_a_configuration_carry_its_path) {
  const auto edit = [](json& document) {
    document["model_specs"][1]["config"]["language_config"]["hidden_size"] = 0;
    document["model_specs"][2].erase("config");
    document["model_specs"][0]["model_size_in_billions"] = "27";
  };
  const std::string said = complaint(edit);
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[1].config.language_config.hidden_size = 0; allowed"));
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[2].config is missing; allowed: an object"));
  EXPECT_THAT(said, HasSubstr("m.json: model_specs[0].model_size_in_billions = \"27\"; allowed: a whole number"));
  EXPECT_THAT(said, HasSubstr("3 problems"));
}

TEST(ModelFamily, a_size_twice_is_refused) {
  const auto edit = [](json& document) { document["model_specs"][1]["model_size_in_billions"] = 27; };
  EXPECT_THAT(complaint(edit), HasSubstr("m.json: model_specs[1] and [0] have the same variant or size"));
}

}  // namespace
}  // namespace spyhop
