#include "registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
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
  const Registry registry = Registry::load_folder(kModelsDir);
  const ModelFamily& family = registry.family("deepseek-vl2");
  EXPECT_EQ(family.context_length, 4096);
  EXPECT_THAT(family.languages, ElementsAre("en", "zh"));
  EXPECT_THAT(family.abilities, ElementsAre("chat", "vision"));
  EXPECT_THAT(family.stop, ElementsAre("<｜end▁of▁sentence｜>"));
  EXPECT_THAT(family.stop_token_ids, ElementsAre(1));
  EXPECT_TRUE(family.is_builtin);
  EXPECT_THAT(family.description, HasSubstr("Mixture-of-Experts"));
  ASSERT_EQ(family.variants.size(), 3U);
  const ModelVariant& base = family.variants[0];
  EXPECT_EQ(base.size_in_billions, 27);
  EXPECT_EQ(base.activated_size, "4_5");
  EXPECT_EQ(base.format, "pytorch");
  EXPECT_THAT(base.quantizations, ElementsAre("none", "int8", "int4"));
  EXPECT_THAT(base.engines, ElementsAre("libtorch", "transformers"));
  EXPECT_TRUE(base.path.empty());
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
  const Registry registry = Registry::load_folder(kModelsDir);
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

/// Sets a variable for the length of a test.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~ScopedVariable() { unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

TEST(Registry, the_environment_names_another_folder) {
  const testing::TempDir dir;
  dir.write("other.json", [] {
    json document = json::parse(shipped_text());
    document["model_name"] = "other";
    return document.dump();
  }());
  const ScopedVariable models("SPYHOP_MODELS_DIR", dir.path());
  EXPECT_EQ(registered_model_config("other", "16").language.hidden_size, 2048);
  EXPECT_THROW(registered_model_config("deepseek-vl2", "16"), Error);
}

TEST(Registry, the_program_carries_the_files_of_models) {
  const Registry shipped = Registry::shipped();
  const Registry folder = Registry::load_folder(kModelsDir);
  ASSERT_EQ(shipped.families().size(), folder.families().size());
  EXPECT_EQ(shipped.families()[0].description, folder.families()[0].description);
  EXPECT_EQ(shipped.families()[0].variants.size(), 3U);
}

/// The shipped entry's first variant alone, as one whose checkpoint comes with the program.
std::string bundled_entry(const std::string& uri) {
  json document = json::parse(shipped_text());
  json spec = document["model_specs"][0];
  spec.erase("model_src");
  spec["model_uri"] = uri;
  spec["model_size_in_billions"] = 0;
  document["model_specs"] = json::array({spec});
  return document.dump();
}

TEST(Registry, a_bundled_checkpoint_lies_in_the_folder_of_the_models) {
  const testing::TempDir dir;
  const ScopedVariable models("SPYHOP_MODELS_DIR", dir.path());
  const std::string missing = dir.path() + "/none";
  EXPECT_EQ(parse_model_family(bundled_entry("bundled://none"), "m.json").choose({}).path, missing);
  std::filesystem::create_directory(dir.path() + "/tiny2");
  const ModelFamily family = parse_model_family(bundled_entry("bundled://tiny2"), "m.json");
  EXPECT_EQ(family.choose({"0", "", "", ""}).path, dir.path() + "/tiny2");
}

TEST(Registry, a_bundled_checkpoint_has_a_plain_name_and_is_no_users) {
  for (const char* uri : {"bundled://", "bundled://../x", "bundled://a/b", "bundled://A", "/data/demo", "file:///data/demo"}) {
    try {
      parse_model_family(bundled_entry(uri), "m.json");
      ADD_FAILURE() << uri;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("model_uri = ")) << uri;
      EXPECT_THAT(e.what(), HasSubstr("allowed: bundled:// and a name")) << uri;
    }
  }
  EXPECT_THROW(parse_model_family(bundled_entry("bundled://demo"), "m.json", EntryOrigin::kUser), Error);
}

std::string own_entry(const std::string& name) {
  const json spec = {{"model_format", "pytorch"}, {"model_size_in_billions", 3}, {"model_uri", "file:///data/tuned"}};
  return json{{"model_name", name},
              {"context_length", 4096},
              {"model_lang", {"en"}},
              {"model_ability", {"chat", "vision"}},
              {"model_specs", {spec}}}
      .dump();
}

TEST(UserModels, are_added_found_replaced_and_removed) {
  const testing::TempDir home;
  const ScopedVariable variable("SPYHOP_HOME", home.path());
  EXPECT_EQ(Registry::load().families().size(), 1U);
  EXPECT_FALSE(add_user_model(own_entry("tuned"), "tuned.json").is_builtin);
  add_user_model(own_entry("tuned"), "tuned.json");
  const Registry registry = Registry::load();
  EXPECT_EQ(registry.families().size(), 2U);
  const ModelVariant& variant = registry.family("tuned").choose({});
  EXPECT_EQ(variant.path, "/data/tuned");
  EXPECT_FALSE(variant.config.has_value());
  EXPECT_THAT(variant.quantizations, ElementsAre("none", "int8", "int4"));
  EXPECT_THROW(registered_model_config("tuned", "3"), Error);
  remove_user_model("tuned");
  EXPECT_EQ(Registry::load().families().size(), 1U);
}

TEST(UserModels, cannot_take_the_place_of_shipped_ones) {
  const testing::TempDir home;
  const ScopedVariable variable("SPYHOP_HOME", home.path());
  EXPECT_THROW(add_user_model(own_entry("deepseek-vl2"), "x.json"), Error);
  EXPECT_THROW(remove_user_model("deepseek-vl2"), Error);
  EXPECT_THROW(remove_user_model("../../etc/passwd"), Error);
  EXPECT_THROW(remove_user_model("none"), Error);
}

TEST(UserModels, half_registered_ones_are_refused_by_path_and_not_written) {
  const testing::TempDir home;
  const ScopedVariable variable("SPYHOP_HOME", home.path());
  json document = json::parse(own_entry("half"));
  document["model_specs"][0].erase("model_uri");
  document.erase("context_length");
  try {
    add_user_model(document.dump(), "half.json");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("half.json: model_specs[0].model_src is missing; allowed: an object"));
    EXPECT_THAT(e.what(), HasSubstr("half.json: context_length is missing; allowed: a whole number"));
  }
  EXPECT_EQ(Registry::load().families().size(), 1U);
}

std::string refusal(const ModelChoice& choice) {
  static const ModelFamily family = parse_model_family(shipped_text(), "m.json");
  try {
    family.choose(choice);
  } catch (const Error& e) {
    return e.param() + ": " + e.what();
  }
  return "taken";
}

TEST(ModelChoice, is_free_in_case_and_may_stay_open) {
  EXPECT_EQ(refusal({"27", "PyTorch", "None", "Transformers"}), "taken");
  EXPECT_EQ(refusal({"small", "", "", "LibTorch"}), "taken");
}

TEST(ModelChoice, a_wrong_one_is_told_what_there_is_and_what_is_near) {
  EXPECT_EQ(
      refusal({"26", "", "", ""}),
      "size_in_billions: model deepseek-vl2 has no size \"26\"; allowed: 27 (base), 16 (small), 3 (tiny); the nearest is 27");
  EXPECT_THAT(refusal({"smal", "", "", ""}), HasSubstr("the nearest is small"));
  EXPECT_THAT(refusal({}), HasSubstr("model deepseek-vl2 needs a size; allowed: 27 (base), "));
  EXPECT_EQ(refusal({"3", "ggml", "", ""}), "model_format: no format of deepseek-vl2 3 is named \"ggml\"; allowed: pytorch");
  EXPECT_EQ(
      refusal({"3", "", "int-8", ""}),
      "quantization: no quantization of deepseek-vl2 3 is named \"int-8\"; allowed: none, int8, int4; the nearest is int8");
  EXPECT_EQ(
      refusal({"3", "", "", "transfomers"}),
      "model_engine: no engine of deepseek-vl2 3 is named \"transfomers\"; allowed: libtorch, transformers; the nearest is "
      "transformers");
}

TEST(Registry, bad_folders_are_named) {
  const testing::TempDir dir;
  EXPECT_THROW(Registry::load_folder(dir.file("none")), Error);
  EXPECT_THROW(Registry::load_folder(dir.path()), Error);
  dir.write("a.json", shipped_text());
  dir.write("b.json", shipped_text());
  try {
    Registry::load_folder(dir.path());
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

TEST(ModelFamily, names_that_would_leave_the_cache_are_refused) {
  for (const char* id : {"deepseek-ai", "a/../b", "../b", "a/b/c", "a--b/c", "a/b?x", "/b", "a/"}) {
    const auto edit = [&](json& document) { document["model_specs"][1]["model_src"]["modelscope"]["model_id"] = id; };
    EXPECT_THAT(complaint(edit), HasSubstr("m.json: model_specs[1].model_src.modelscope.model_id = ")) << id;
  }
  for (const char* revision : {"../main", "a//b", "/a", "a/", "-x", "a b", ".git"}) {
    const auto edit = [&](json& document) {
      document["model_specs"][1]["model_src"]["huggingface"]["model_revision"] = revision;
    };
    EXPECT_THAT(complaint(edit), HasSubstr("model_src.huggingface.model_revision = ")) << revision;
  }
}

TEST(ModelFamily, entries_of_users_keep_to_the_schema_as_the_reader_does) {
  const std::string folder = std::string(SPYHOP_SOURCE_DIR) + "/tests/registry/entries/";
  int num_good = 0;
  int num_bad = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "good")) {
    const std::string text = read_text_file(entry.path().string(), 1 << 20);
    EXPECT_NO_THROW(parse_model_family(text, "e.json", EntryOrigin::kUser)) << entry.path();
    ++num_good;
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder + "bad")) {
    const std::string text = read_text_file(entry.path().string(), 1 << 20);
    EXPECT_THROW(parse_model_family(text, "e.json", EntryOrigin::kUser), Error) << entry.path();
    ++num_bad;
  }
  EXPECT_GE(num_good, 3);
  EXPECT_GE(num_bad, 10);
}

TEST(ModelFamily, a_size_twice_is_refused) {
  const auto edit = [](json& document) { document["model_specs"][1]["model_size_in_billions"] = 27; };
  EXPECT_THAT(complaint(edit), HasSubstr("m.json: model_specs[1] and [0] have the same variant or size"));
}

}  // namespace
}  // namespace spyhop
