#include <nlohmann/json.hpp>
#include <string>

#include "registry/config_reader.h"

namespace spyhop {
namespace {

constexpr int kMaxHeads = 512;
constexpr int kMaxHeadDim = 1024;
constexpr int kMaxExperts = 1024;

void read_sizes(JsonFields& fields, LanguageConfig& language) {
  language.vocab_size = fields.integer("vocab_size", {1, 1 << 20}, language.vocab_size);
  language.hidden_size = fields.integer("hidden_size", {1, 32768}, language.hidden_size);
  language.intermediate_size = fields.integer("intermediate_size", {1, 1 << 18}, language.intermediate_size);
  language.num_layers = fields.integer("num_hidden_layers", {1, 256}, language.num_layers);
  language.rms_norm_eps = fields.number("rms_norm_eps", {0, 0.1}, language.rms_norm_eps);
  language.rope_theta = fields.number("rope_theta", {1, 1e12}, language.rope_theta);
  language.max_position_embeddings = fields.integer("max_position_embeddings", {1, 1 << 20}, language.max_position_embeddings);
}

/// Values that the reference knows and this program does not compute.
void refuse_variants(JsonFields& fields) {
  fields.one_of("hidden_act", {"silu"}, "silu");
  if (fields.boolean("attention_bias", false)) fields.report("attention_bias", "false");
  if (fields.boolean("tie_word_embeddings", false)) fields.report("tie_word_embeddings", "false");
  const nlohmann::json* scaling = fields.find("rope_scaling");
  if (scaling == nullptr || scaling->is_null()) return;
  const auto type = scaling->is_object() ? scaling->find("type") : scaling->end();
  const bool named = scaling->is_object() && type != scaling->end();
  fields.report("rope_scaling", "null" + (named ? "; its type is " + describe_json(*type) : std::string()));
}

void check_mha(JsonFields& fields, const LanguageConfig& language) {
  if (!fields.is_valid("num_attention_heads")) return;
  const std::string heads = std::to_string(language.num_heads);
  if (fields.is_valid("hidden_size") && language.hidden_size % (2 * language.num_heads) != 0) {
    fields.report("hidden_size", "a multiple of twice num_attention_heads, " + heads + ", without MLA");
  }
  if (fields.is_valid("num_key_value_heads") && language.num_heads % language.num_kv_heads != 0) {
    fields.report("num_key_value_heads", "a divisor of num_attention_heads, " + heads);
  }
}

void read_attention(JsonFields& fields, LanguageConfig& language) {
  language.use_mla = fields.boolean("use_mla", language.use_mla);
  language.num_heads = fields.integer("num_attention_heads", {1, kMaxHeads}, language.num_heads);
  // An absent key means 32, whatever the number of heads; an explicit null means as many as heads.
  language.num_kv_heads =
      fields.integer_or_null("num_key_value_heads", {1, kMaxHeads}, language.num_kv_heads).value_or(language.num_heads);
  // Without MLA the checkpoints give null and zeros here.
  const int least = language.use_mla ? 1 : 0;
  const std::optional<int> kv_lora_rank = fields.integer_or_null("kv_lora_rank", {least, 1 << 14}, language.kv_lora_rank);
  language.kv_lora_rank = kv_lora_rank.value_or(0);
  language.q_lora_rank = fields.integer_or_null("q_lora_rank", {0, 1 << 14}, language.q_lora_rank);
  language.qk_nope_head_dim = fields.integer("qk_nope_head_dim", {least, kMaxHeadDim}, language.qk_nope_head_dim);
  language.qk_rope_head_dim = fields.integer("qk_rope_head_dim", {2 * least, kMaxHeadDim}, language.qk_rope_head_dim);
  language.v_head_dim = fields.integer("v_head_dim", {least, kMaxHeadDim}, language.v_head_dim);

  if (!fields.is_valid("use_mla")) return;
  if (!language.use_mla) return check_mha(fields, language);
  if (!kv_lora_rank) fields.report("kv_lora_rank", "a whole number with MLA");
  if (language.q_lora_rank) fields.report("q_lora_rank", "null: queries of low rank are not supported");
  if (language.qk_rope_head_dim % 2 != 0) fields.report("qk_rope_head_dim", "an even number");
}

void check_groups(JsonFields& fields, const LanguageConfig& language, int experts) {
  const std::string shown = std::to_string(experts);
  if (!fields.is_valid("n_group") || !fields.is_valid("topk_group")) return;
  if (experts % language.n_group != 0) return fields.report("n_group", "a divisor of n_routed_experts, " + shown);
  if (language.topk_group > language.n_group) {
    return fields.report("topk_group", "at most n_group, " + std::to_string(language.n_group));
  }
  const int group_size = experts / language.n_group;
  if (language.topk_method == TopkMethod::kNoauxTc && group_size < 2) {
    fields.report("n_group", "groups of at least 2 of the " + shown + " experts");
  }
  if (fields.is_valid("num_experts_per_tok") && language.num_experts_per_token > language.topk_group * group_size) {
    fields.report("num_experts_per_tok",
                  "at most the experts of topk_group groups, " + std::to_string(language.topk_group * group_size));
  }
}

void read_router(JsonFields& fields, LanguageConfig& language, int experts) {
  language.moe_intermediate_size = fields.integer("moe_intermediate_size", {1, 1 << 17}, language.moe_intermediate_size);
  language.num_experts_per_token = fields.integer("num_experts_per_tok", {1, kMaxExperts});
  language.num_shared_experts = fields.integer_or_null("n_shared_experts", {1, 64}, std::nullopt);
  language.norm_topk_prob = fields.boolean("norm_topk_prob", language.norm_topk_prob);
  language.routed_scaling_factor = fields.number("routed_scaling_factor", {1e-6, 1e6}, language.routed_scaling_factor);
  const std::string scoring = fields.one_of("scoring_func", {"softmax", "sigmoid"}, "softmax");
  language.scoring_func = scoring == "sigmoid" ? ScoringFunc::kSigmoid : ScoringFunc::kSoftmax;
  // The reference's default matches none of its own branches, so the key must be given.
  const std::string method = fields.one_of("topk_method", {"greedy", "group_limited_greedy", "noaux_tc"});
  language.topk_method = method == "noaux_tc"               ? TopkMethod::kNoauxTc
                         : method == "group_limited_greedy" ? TopkMethod::kGroupLimitedGreedy
                                                            : TopkMethod::kGreedy;
  if (fields.is_valid("num_experts_per_tok") && language.num_experts_per_token > experts) {
    fields.report("num_experts_per_tok", "at most n_routed_experts, " + std::to_string(experts));
  }
  const bool grouped = language.topk_method != TopkMethod::kGreedy;
  const std::optional<int> groups = fields.integer_or_null("n_group", {1, kMaxExperts}, std::nullopt);
  const std::optional<int> top_groups = fields.integer_or_null("topk_group", {1, kMaxExperts}, std::nullopt);
  language.n_group = groups.value_or(1);
  language.topk_group = top_groups.value_or(1);
  if (!grouped) return;
  if (!groups) fields.report("n_group", "a whole number with topk_method \"" + method + "\"");
  if (!top_groups) fields.report("topk_group", "a whole number with topk_method \"" + method + "\"");
  check_groups(fields, language, experts);
}

void read_experts(JsonFields& fields, LanguageConfig& language) {
  language.num_routed_experts = fields.integer_or_null("n_routed_experts", {1, kMaxExperts}, std::nullopt);
  language.first_k_dense_replace = fields.integer("first_k_dense_replace", {0, 256}, language.first_k_dense_replace);
  language.moe_layer_freq = fields.integer("moe_layer_freq", {1, 256}, language.moe_layer_freq);
  bool any = false;
  for (int layer = 0; layer < language.num_layers; ++layer) any = any || language.is_moe_layer(layer);
  if (any) read_router(fields, language, *language.num_routed_experts);
}

}  // namespace

LanguageConfig read_language_config(JsonFields& fields) {
  LanguageConfig language;
  read_sizes(fields, language);
  refuse_variants(fields);
  read_attention(fields, language);
  read_experts(fields, language);
  return language;
}

}  // namespace spyhop
