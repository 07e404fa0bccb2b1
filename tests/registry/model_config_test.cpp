#include "registry/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/file.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using Edit = std::function<void(json&)>;

std::string real_folder(const std::string& size) {
  return std::string(SPYHOP_TEST_DATA) + "/real_configs/" + size;
}

json real_config(const std::string& size) {
  return json::parse(read_text_file(real_folder(size) + "/config.json", size_t{1} << 20));
}

std::string edited(const std::string& size, const Edit& edit) {
  json config = real_config(size);
  edit(config);
  return config.dump();
}

/// What is said about the configuration of a real size after an edit.
std::string complaint(const std::string& size, const Edit& edit, const std::string& processor = "") {
  try {
    parse_model_config(edited(size, edit), processor);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    return e.what();
  }
  return "no error";
}

std::string processor_complaint(const json& processor) {
  return complaint(
      "tiny", [](json&) {}, processor.dump());
}

TEST(ModelConfig, tiny_is_read_from_its_folder) {
  const ModelConfig config = load_model_config(real_folder("tiny"));
  const LanguageConfig& language = config.language;
  EXPECT_FALSE(language.use_mla);
  EXPECT_EQ(language.hidden_size, 1280);
  EXPECT_EQ(language.intermediate_size, 6848);
  EXPECT_EQ(language.moe_intermediate_size, 896);
  EXPECT_EQ(language.num_layers, 12);
  EXPECT_EQ(language.num_heads, 10);
  EXPECT_EQ(language.num_kv_heads, 10);
  EXPECT_EQ(language.head_dim(), 128);
  EXPECT_EQ(language.kv_lora_rank, 0);
  EXPECT_EQ(language.vocab_size, 129280);
  EXPECT_EQ(language.num_routed_experts, 64);
  EXPECT_EQ(language.num_shared_experts, 2);
  EXPECT_EQ(language.num_experts_per_token, 6);
  EXPECT_EQ(language.topk_method, TopkMethod::kGreedy);
  EXPECT_EQ(language.scoring_func, ScoringFunc::kSoftmax);
  EXPECT_FALSE(language.norm_topk_prob);
  EXPECT_EQ(language.routed_scaling_factor, 1.0);
  EXPECT_EQ(language.max_position_embeddings, 4096);
  EXPECT_EQ(config.projector.n_embed, 1280);
  EXPECT_EQ(config.projector.input_dim, 1152);
}

TEST(ModelConfig, small_takes_vocabulary_and_mla_sizes_from_the_defaults) {
  const LanguageConfig language = load_model_config(real_folder("small")).language;
  EXPECT_TRUE(language.use_mla);
  EXPECT_EQ(language.vocab_size, 102400);
  EXPECT_EQ(language.kv_lora_rank, 512);
  EXPECT_EQ(language.q_lora_rank, std::nullopt);
  EXPECT_EQ(language.qk_nope_head_dim, 128);
  EXPECT_EQ(language.qk_rope_head_dim, 64);
  EXPECT_EQ(language.v_head_dim, 128);
  EXPECT_EQ(language.num_layers, 27);
  EXPECT_EQ(language.num_heads, 16);
  EXPECT_EQ(language.hidden_size, 2048);
  EXPECT_EQ(language.scoring_func, ScoringFunc::kSoftmax);
}

TEST(ModelConfig, base_takes_layers_and_heads_from_the_defaults) {
  const LanguageConfig language = load_model_config(real_folder("base")).language;
  EXPECT_TRUE(language.use_mla);
  EXPECT_EQ(language.num_layers, 30);
  EXPECT_EQ(language.num_heads, 32);
  EXPECT_EQ(language.num_kv_heads, 32);
  EXPECT_EQ(language.hidden_size, 2560);
  EXPECT_EQ(language.num_routed_experts, 72);
  EXPECT_EQ(language.topk_method, TopkMethod::kNoauxTc);
  EXPECT_EQ(language.scoring_func, ScoringFunc::kSigmoid);
  EXPECT_TRUE(language.norm_topk_prob);
  EXPECT_EQ(language.routed_scaling_factor, 2.0);
  EXPECT_EQ(language.rms_norm_eps, 1e-6);
  EXPECT_EQ(language.rope_theta, 10000.0);
}

TEST(ModelConfig, all_sizes_share_the_tower_and_the_resolutions) {
  for (const char* size : {"tiny", "small", "base"}) {
    const ModelConfig config = load_model_config(real_folder(size));
    EXPECT_EQ(config.vision.image_size, 384);
    EXPECT_EQ(config.vision.grid(), 27);
    EXPECT_EQ(config.vision.num_heads, 16);
    EXPECT_EQ(config.vision.num_layers, 27);
    EXPECT_EQ(config.vision.mlp_hidden(), 4304);
    EXPECT_EQ(config.processor.image_size, 384);
    EXPECT_EQ(config.processor.tile_tokens(), 14);
    EXPECT_TRUE(config.processor.global_view_first);
    ASSERT_EQ(config.processor.candidate_resolutions.size(), 23U);
    EXPECT_EQ(config.processor.candidate_resolutions[1].width, 384);
    EXPECT_EQ(config.processor.candidate_resolutions[1].height, 768);
    EXPECT_EQ(config.processor.candidate_resolutions[22].height, 1152);
  }
}

TEST(ModelConfig, golden_checkpoints_load) {
  const std::string data = SPYHOP_TEST_DATA;
  EXPECT_EQ(load_model_config(data + "/mini-tiny/checkpoint").processor.tile_tokens(), 14);
  EXPECT_EQ(load_model_config(data + "/mini-small/checkpoint").processor.tile_tokens(), 4);
  const ModelConfig base = load_model_config(data + "/mini-base/checkpoint");
  EXPECT_EQ(base.processor.tile_tokens(), 3);
  EXPECT_EQ(base.vision.grid(), 6);
  EXPECT_EQ(base.language.num_heads, 8);
}

TEST(ModelConfig, the_defaults_of_absent_keys_are_the_references) {
  const auto strip = [](json& config) {
    config.erase("global_view_pos");
    config.erase("projector_config");
    config["language_config"] = {{"q_lora_rank", nullptr}, {"hidden_size", 2048}};
    config["vision_config"] = {{"width", 1152}};
  };
  const ModelConfig config = parse_model_config(edited("tiny", strip), "");
  EXPECT_EQ(config.vision.patch_size, 16);
  EXPECT_EQ(config.vision.num_layers, 24);
  EXPECT_EQ(config.vision.num_heads, 16);
  EXPECT_EQ(config.vision.mlp_ratio, 4.0);
  EXPECT_EQ(config.projector.n_embed, 2048);
  EXPECT_EQ(config.projector.depth, 2);
  EXPECT_EQ(config.projector.downsample_ratio, 2);
  EXPECT_EQ(config.language.intermediate_size, 11008);
  EXPECT_EQ(config.language.num_layers, 30);
  EXPECT_EQ(config.language.num_kv_heads, 32);
  EXPECT_EQ(config.language.max_position_embeddings, 2048);
  EXPECT_EQ(config.language.num_routed_experts, std::nullopt);
  EXPECT_FALSE(config.language.is_moe_layer(1));
  EXPECT_TRUE(config.processor.global_view_first);
}

TEST(ModelConfig, null_key_value_heads_mean_as_many_as_heads) {
  const auto edit = [](json& config) { config["language_config"]["num_key_value_heads"] = nullptr; };
  EXPECT_EQ(parse_model_config(edited("tiny", edit), "").language.num_kv_heads, 10);
}

TEST(ModelConfig, absent_key_value_heads_mean_32) {
  const auto edit = [](json& config) { config["language_config"].erase("num_key_value_heads"); };
  EXPECT_THAT(complaint("tiny", edit),
              HasSubstr("language_config.num_key_value_heads = 32 (the default); allowed: a divisor of "
                        "num_attention_heads, 10"));
}

TEST(ModelConfig, low_rank_queries_are_refused_by_name) {
  const auto edit = [](json& config) { config["language_config"].erase("q_lora_rank"); };
  EXPECT_THAT(complaint("base", edit),
              HasSubstr("config.json: language_config.q_lora_rank = 1536 (the default); allowed: null"));
}

TEST(ModelConfig, a_router_method_must_be_given) {
  const auto edit = [](json& config) { config["language_config"].erase("topk_method"); };
  EXPECT_THAT(complaint("small", edit), HasSubstr("language_config.topk_method is missing; allowed: \"greedy\", "
                                                  "\"group_limited_greedy\", \"noaux_tc\""));
}

TEST(ModelConfig, a_model_without_experts_needs_no_router) {
  const auto edit = [](json& config) {
    config["language_config"]["n_routed_experts"] = nullptr;
    config["language_config"].erase("topk_method");
    config["language_config"].erase("num_experts_per_tok");
  };
  EXPECT_EQ(parse_model_config(edited("small", edit), "").language.num_routed_experts, std::nullopt);
}

TEST(ModelConfig, all_problems_are_reported_together) {
  const auto edit = [](json& config) {
    config["tile_tag"] = "1D";
    config["vision_config"]["width"] = 1153;
    config["language_config"]["hidden_act"] = "gelu";
    config["language_config"]["hidden_size"] = -5;
    config["language_config"]["rope_scaling"] = {{"type", "yarn"}, {"factor", 40}};
    config["language_config"]["scoring_func"] = "tanh";
  };
  const std::string said = complaint("tiny", edit);
  EXPECT_THAT(said, HasSubstr("6 problems"));
  EXPECT_THAT(said, HasSubstr("config.json: tile_tag = \"1D\"; allowed: \"2D\""));
  EXPECT_THAT(said, HasSubstr("vision_config.width = 1153; allowed: a multiple of heads, 16"));
  EXPECT_THAT(said, HasSubstr("language_config.hidden_act = \"gelu\"; allowed: \"silu\""));
  EXPECT_THAT(said, HasSubstr("language_config.hidden_size = -5; allowed: a whole number from 1 to 32768"));
  EXPECT_THAT(said, HasSubstr("language_config.rope_scaling = an object; allowed: null; its type is \"yarn\""));
  EXPECT_THAT(said, HasSubstr("language_config.scoring_func = \"tanh\"; allowed: \"softmax\", \"sigmoid\""));
}

struct BadValue {
  std::string pointer;
  json value;
  std::string expected;
};

class BadLanguageValue : public ::testing::TestWithParam<BadValue> {};

TEST_P(BadLanguageValue, is_named_with_its_value) {
  const BadValue& bad = GetParam();
  const auto edit = [&bad](json& config) { config[json::json_pointer(bad.pointer)] = bad.value; };
  EXPECT_THAT(complaint("base", edit), HasSubstr(bad.expected));
}

INSTANTIATE_TEST_SUITE_P(
    ModelConfig, BadLanguageValue,
    ::testing::Values(
        BadValue{"/language_config/hidden_size", int64_t{1} << 40, "hidden_size = 1099511627776; allowed"},
        BadValue{"/language_config/hidden_size", 2560.0, "hidden_size = 2560.0; allowed: a whole number"},
        BadValue{"/language_config/hidden_size", "2560", "hidden_size = \"2560\"; allowed"},
        BadValue{"/language_config/hidden_size", nullptr, "hidden_size = null; allowed"},
        BadValue{"/language_config/hidden_size", 2048,
                 "projector_config.n_embed = 2560; allowed: language_config.hidden_size, 2048"},
        BadValue{"/language_config/num_hidden_layers", 0, "num_hidden_layers = 0; allowed: a whole number from 1 to 256"},
        BadValue{"/language_config/vocab_size", std::numeric_limits<uint64_t>::max(), "vocab_size = 18446744073709551615"},
        BadValue{"/language_config/use_mla", 1, "use_mla = 1; allowed: true or false"},
        BadValue{"/language_config/kv_lora_rank", nullptr, "kv_lora_rank = null; allowed: a whole number with MLA"},
        BadValue{"/language_config/qk_rope_head_dim", 63, "qk_rope_head_dim = 63; allowed: an even number"},
        BadValue{"/language_config/attention_bias", true, "attention_bias = true; allowed: false"},
        BadValue{"/language_config/tie_word_embeddings", true, "tie_word_embeddings = true; allowed: false"},
        BadValue{"/language_config/topk_method", "gready", "topk_method = \"gready\"; allowed"},
        BadValue{"/language_config/num_experts_per_tok", 73, "num_experts_per_tok = 73; allowed: at most n_routed_experts, 72"},
        BadValue{"/language_config/num_experts_per_tok", nullptr, "num_experts_per_tok = null; allowed"},
        BadValue{"/language_config/n_group", 7, "n_group = 7; allowed: a divisor of n_routed_experts, 72"},
        BadValue{"/language_config/n_group", nullptr, "n_group = null; allowed: a whole number with topk_method \"noaux_tc\""},
        BadValue{"/language_config/topk_group", 2, "topk_group = 2; allowed: at most n_group, 1"},
        BadValue{"/language_config/n_group", 72, "n_group = 72; allowed: groups of at least 2 of the 72 experts"},
        BadValue{"/language_config/n_group", 18,
                 "num_experts_per_tok = 6; allowed: at most the experts of topk_group groups, 4"},
        BadValue{"/language_config/n_shared_experts", 0, "n_shared_experts = 0; allowed"},
        BadValue{"/language_config/moe_layer_freq", 0, "moe_layer_freq = 0; allowed"},
        BadValue{"/language_config/rms_norm_eps", -1e-6, "rms_norm_eps = -1e-06; allowed"},
        BadValue{"/language_config", json::array(), "language_config = an array of 0; allowed: an object"},
        BadValue{"/vision_config", "siglip", "vision_config = \"siglip\"; allowed: an object"},
        BadValue{"/vision_config/patch_size", 0, "patch_size = 0; allowed"},
        BadValue{"/vision_config/patch_size", 1, "patch_size = 1; allowed: 1 to 256 patches along image_size, 384"},
        BadValue{"/vision_config/heads", 7, "width = 1152; allowed: a multiple of heads, 7"},
        BadValue{"/vision_config/width", 1168,
                 "projector_config.input_dim = 1152 (the default); allowed: vision_config.width, 1168"},
        BadValue{"/vision_config/mlp_ratio", 1e300, "mlp_ratio = 1e+300; allowed"},
        BadValue{"/vision_config/image_size", 200, "allowed: multiples of vision_config.image_size, 200; entry 0 is [384,384]"},
        BadValue{"/vision_config/class_token", true, "class_token = true; allowed: false"},
        BadValue{"/projector_config/projector_type", "linear", "projector_type = \"linear\"; allowed: \"downsample_mlp_gelu\""},
        BadValue{"/projector_config/token_pooling", true, "token_pooling = true; allowed: false"},
        BadValue{"/projector_config/depth", 1, "depth = 1; allowed: a whole number from 2 to 16"},
        BadValue{"/global_view_pos", "middle", "global_view_pos = \"middle\"; allowed: \"head\", \"tail\""},
        BadValue{"/model_type", "llama", "model_type = \"llama\"; allowed: \"deepseek_vl_v2\""},
        BadValue{"/candidate_resolutions", json::array(),
                 "candidate_resolutions = an array of 0; allowed: an array of 1 to 256"},
        BadValue{"/candidate_resolutions/2", {384}, "pairs [width, height] of whole numbers; entry 2 is an array of 1"},
        BadValue{"/candidate_resolutions/2", {768, -384}, "entry 2 is an array of 2"},
        BadValue{"/candidate_resolutions/2", {768, 385}, "multiples of vision_config.image_size, 384; entry 2 is [768,385]"},
        BadValue{"/candidate_resolutions/2", {38400, 3840}, "at most 100 tiles of 384x384; entry 2 is [38400,3840]"},
        BadValue{"/candidate_resolutions/0", {768, 384}, "a first width equal to vision_config.image_size, 384; it is 768"}));

TEST(ModelConfig, a_missing_tile_tag_is_an_error) {
  EXPECT_THAT(complaint("tiny", [](json& config) { config.erase("tile_tag"); }),
              HasSubstr("tile_tag is missing; allowed: \"2D\""));
}

TEST(ModelConfig, heads_without_mla_must_divide_the_width_evenly) {
  const auto edit = [](json& config) {
    config["language_config"]["num_attention_heads"] = 12;
    config["language_config"]["num_key_value_heads"] = 12;
  };
  EXPECT_THAT(complaint("tiny", edit), HasSubstr("hidden_size = 1280; allowed: a multiple of twice num_attention_heads, 12"));
}

TEST(ModelConfig, a_bad_field_raises_no_complaints_about_those_that_depend_on_it) {
  const auto edit = [](json& config) { config["vision_config"]["image_size"] = 0; };
  const std::string said = complaint("tiny", edit, read_text_file(real_folder("tiny") + "/processor_config.json", 1 << 20));
  EXPECT_THAT(said, HasSubstr("image_size = 0"));
  EXPECT_THAT(said, Not(HasSubstr("problems")));
}

TEST(ModelConfig, resolutions_come_from_the_processor_first) {
  const std::string processor = R"({"candidate_resolutions": [[384, 384], [768, 384]], "image_mean": [0, 0.5, 1]})";
  const ModelConfig config = parse_model_config(real_config("tiny").dump(), processor);
  ASSERT_EQ(config.processor.candidate_resolutions.size(), 2U);
  EXPECT_EQ(config.processor.candidate_resolutions[1].width, 768);
  EXPECT_EQ(config.processor.image_mean[2], 1.0);
}

TEST(ModelConfig, processor_problems_name_their_file) {
  EXPECT_THAT(processor_complaint({{"patch_size", 16}}), HasSubstr("processor_config.json: patch_size = 16; allowed: as in "
                                                                   "config.json, 14"));
  EXPECT_THAT(processor_complaint({{"downsample_ratio", 3}}), HasSubstr("downsample_ratio = 3; allowed: as in config.json, 2"));
  EXPECT_THAT(processor_complaint({{"image_mean", {0.5, 0.5}}}),
              HasSubstr("image_mean = an array of 2; allowed: three numbers"));
  EXPECT_THAT(processor_complaint({{"image_mean", {0.5, 0.5, 123.7}}}), HasSubstr("three numbers from 0 to 1"));
  EXPECT_THAT(processor_complaint({{"image_std", {0.5, 0, 0.5}}}), HasSubstr("three numbers from 0.001 to 1"));
  EXPECT_THAT(processor_complaint({{"normalize", false}}), HasSubstr("normalize = false; allowed: true"));
  EXPECT_THAT(processor_complaint({{"sft_format", "plain"}}), HasSubstr("sft_format = \"plain\"; allowed: \"deepseek\""));
  EXPECT_THAT(processor_complaint({{"image_token", "<img>"}}), HasSubstr("image_token = \"<img>\"; allowed: \"<image>\""));
  EXPECT_THAT(processor_complaint({{"pad_token", ""}}), HasSubstr("pad_token = \"\"; allowed: a string"));
  EXPECT_THAT(processor_complaint(json::array()), HasSubstr("processor_config.json: an array of 0; allowed: an object"));
}

TEST(ModelConfig, a_global_view_may_come_last) {
  const auto edit = [](json& config) { config["global_view_pos"] = "tail"; };
  EXPECT_FALSE(parse_model_config(edited("tiny", edit), "").processor.global_view_first);
}

TEST(ModelConfig, what_is_no_json_is_refused_by_file_name) {
  for (const char* text : {"", "{", "{} x", "[1", "\xFF", "{\"a\": 1e999}", "nul"}) {
    try {
      parse_model_config(text, "");
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("config.json: not valid JSON: "));
    }
  }
}

TEST(ModelConfig, folders_and_files_that_are_not_there_are_named) {
  const testing::TempDir dir;
  EXPECT_THROW(load_model_config(dir.file("none")), Error);
  try {
    load_model_config(dir.path());
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(dir.path() + "/config.json: no such file"));
  }
  dir.write("config.json", std::string(size_t{5} << 20, ' '));
  try {
    load_model_config(dir.path());
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("config.json: 5242880 bytes; allowed: at most 4194304"));
  }
}

}  // namespace
}  // namespace spyhop
