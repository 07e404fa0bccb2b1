#include "cli/verify_golden_model.h"

#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <limits>
#include <utility>

#include "cli/verify_golden_compare.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr double kRepetitionPenalty = 1.1;  // of the recorded penalised answers

std::vector<float> floats_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.to(at::kFloat).contiguous();
  const auto* data = dense.data_ptr<float>();
  return {data, data + dense.numel()};
}

std::vector<int64_t> integers_of(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.to(at::kLong).contiguous();
  const auto* data = dense.data_ptr<int64_t>();
  return {data, data + dense.numel()};
}

at::Tensor index_tensor(const std::vector<int64_t>& indices) {
  return at::tensor(indices, at::kLong);
}

/// Rows of `tensor` along `dim` at recorded indices; these come from a file.
at::Tensor select_rows(const at::Tensor& tensor, int64_t dim, const std::vector<int64_t>& indices) {
  for (int64_t index : indices) {
    if (index < 0 || index >= tensor.size(dim)) {
      throw Error(ErrorCode::kInvalidRequest,
                  fmt::format("the case records index {} of {} computed rows", index, tensor.size(dim)));
    }
  }
  return tensor.index_select(dim, index_tensor(indices));
}

/// Compares one case's values; `report` collects.
class ModelChecker {
 public:
  ModelChecker(const GoldenCase& golden, const GoldenModelContext& context, CaseReport& report)
      : golden_(golden),
        record_(golden.tensors),
        language_(context.runner.config().language),
        tolerances_(golden_tolerances(language_)),
        exact_(context.compute == ComputeType::kF32),
        report_(report) {}

  void vision(const GoldenVision& vision);
  void prefill(const GoldenPrefill& prefill);
  void generated(const GoldenGenerated& greedy);
  void penalised(const std::string& name, const std::vector<int64_t>& want, const GoldenGenerated& got);
  void argmax(const at::Tensor& argmax);

 private:
  void tiles(const std::string& name, const at::Tensor& values, int stride);
  void embeddings(const at::Tensor& inputs_embeds, const std::vector<int64_t>& positions);
  void layers(const at::Tensor& layers, const std::vector<int64_t>& positions);
  void experts(const GoldenPrefill& prefill);
  void expert_weights(const GoldenPrefill& prefill, const std::vector<int64_t>& positions);
  void last_logits(const at::Tensor& logits);

  const GoldenCase& golden_;
  const GoldenTensors& record_;
  const LanguageConfig& language_;
  GoldenTolerances tolerances_;
  bool exact_;  // f32: held to absolute tolerances; bf16: to relative ones
  CaseReport& report_;
};

void ModelChecker::tiles(const std::string& name, const at::Tensor& values, int stride) {
  if (!record_.has(name)) return;
  const at::Tensor rows = select_rows(values, 0, record_.integers("tile_sub").values).slice(1, 0, c10::nullopt, stride);
  const std::vector<float> want = record_.floats(name).values;
  report_.add(Column::kVision, exact_ ? compare_close(name, want, floats_of(rows), tolerances_.activations)
                                      : compare_relative_rms(name, want, floats_of(rows), tolerances_.bf16_relative_rms));
}

void ModelChecker::vision(const GoldenVision& vision) {
  if (!vision.vision_out.defined()) return;
  tiles("patch_embed_sub", vision.patch_embed, golden_.vision_patch_stride);
  tiles("vision_out_sub", vision.vision_out, golden_.vision_patch_stride);
  tiles("projector_out_sub", vision.projector_out, golden_.projector_token_stride);
}

void ModelChecker::embeddings(const at::Tensor& inputs_embeds, const std::vector<int64_t>& positions) {
  if (!record_.has("inputs_embeds_sub")) return;
  const std::vector<float> want = record_.floats("inputs_embeds_sub").values;
  const std::vector<float> got = floats_of(select_rows(inputs_embeds, 0, positions));
  report_.add(Column::kVision, exact_ ? compare_close("inputs_embeds_sub", want, got, tolerances_.activations)
                                      : compare_relative_rms("inputs_embeds_sub", want, got, tolerances_.bf16_relative_rms));
}

void ModelChecker::layers(const at::Tensor& layers, const std::vector<int64_t>& positions) {
  if (!record_.has("layers_sub") || !exact_) return;
  report_.add(Column::kLayers,
              compare_rows("layers_sub", record_.floats("layers_sub").values, floats_of(select_rows(layers, 1, positions)),
                           layer_tolerances(golden_.router_near_ties, language_, positions)));
}

void ModelChecker::experts(const GoldenPrefill& prefill) {
  if (!record_.has("topk_idx")) return;
  if (!prefill.topk_ids.defined()) return report_.add(Column::kExperts, failed("topk_idx", "the model has no MoE layer"));
  const std::vector<int64_t> want = record_.integers("topk_idx").values;
  const auto set_size = static_cast<size_t>(language_.num_experts_per_token);
  const double only_reported = -1;
  report_.add(Column::kExperts, exact_
                                    ? compare_sets("topk_idx", want, integers_of(prefill.topk_ids), set_size)
                                    : compare_share("topk_idx", want, integers_of(prefill.topk_ids), set_size, only_reported));
}

/// Puts the computed weights in the order of the recorded experts; NaN where an expert was not chosen.
void ModelChecker::expert_weights(const GoldenPrefill& prefill, const std::vector<int64_t>& positions) {
  if (!exact_ || !record_.has("topk_weight_sub") || !record_.has("topk_idx") || !prefill.topk_ids.defined()) return;
  const std::vector<int64_t> ids = integers_of(select_rows(prefill.topk_ids, 1, positions));
  const std::vector<float> weights = floats_of(select_rows(prefill.topk_weights, 1, positions));
  const GoldenArray<int64_t> recorded = record_.integers("topk_idx");
  const auto k = static_cast<size_t>(language_.num_experts_per_token);
  const auto num_tokens = static_cast<size_t>(golden_.num_tokens);
  if (recorded.values.size() != static_cast<size_t>(prefill.topk_ids.numel())) return;
  std::vector<float> got(weights.size(), std::numeric_limits<float>::quiet_NaN());
  for (size_t row = 0; row * k < ids.size(); ++row) {
    const size_t layer = row / positions.size();
    const auto position = static_cast<size_t>(positions[row % positions.size()]);
    for (size_t i = 0; i < k; ++i) {
      const int64_t expert = recorded.values[(layer * num_tokens + position) * k + i];
      for (size_t j = 0; j < k; ++j) {
        if (ids[row * k + j] == expert) got[row * k + i] = weights[row * k + j];
      }
    }
  }
  report_.add(Column::kExperts,
              compare_close("topk_weight_sub", record_.floats("topk_weight_sub").values, got, tolerances_.activations));
}

void ModelChecker::last_logits(const at::Tensor& logits) {
  if (!record_.has("logits_last")) return;
  const std::vector<float> want = record_.floats("logits_last").values;
  report_.add(Column::kLogits, exact_ ? compare_close("logits_last", want, floats_of(logits), tolerances_.logits)
                                      : compare_direction("logits_last", want, floats_of(logits), tolerances_.bf16_cosine));
}

void ModelChecker::argmax(const at::Tensor& argmax) {
  if (!record_.has("argmax")) return;
  const std::vector<int64_t> want = record_.integers("argmax").values;
  const std::vector<int64_t> got = integers_of(argmax);
  if (!exact_) {
    const double limit = share_limit(tolerances_.bf16_argmax_share, want.size());
    return report_.add(Column::kTokens, compare_share("argmax", want, got, 1, limit));
  }
  if (!record_.has("argmax_margin")) return;
  report_.add(Column::kTokens,
              compare_where_certain("argmax", want, got, record_.floats("argmax_margin").values, tolerances_.certain_margin));
}

void ModelChecker::prefill(const GoldenPrefill& prefill) {
  if (record_.has("pos_sub")) {
    const std::vector<int64_t> positions = record_.integers("pos_sub").values;
    embeddings(prefill.inputs_embeds, positions);
    layers(prefill.layers, positions);
    expert_weights(prefill, positions);
  }
  experts(prefill);
  last_logits(prefill.last_logits);
}

void ModelChecker::generated(const GoldenGenerated& greedy) {
  report_.add(Column::kTokens, compare_integers("greedy", golden_.answer.greedy, greedy.token_ids));
  if (!record_.has("greedy_top8_ids") || !record_.has("greedy_top8_logits")) return;
  const GoldenArray<int64_t> ids = record_.integers("greedy_top8_ids");
  const at::Tensor index = index_tensor(ids.values).reshape(ids.shape);
  report_.add(Column::kLogits, compare_close("greedy_top8_logits", record_.floats("greedy_top8_logits").values,
                                             floats_of(greedy.logits.gather(1, index)), tolerances_.logits));
}

void ModelChecker::penalised(const std::string& name, const std::vector<int64_t>& want, const GoldenGenerated& got) {
  report_.add(Column::kTokens, compare_integers(name, want, got.token_ids));
}

void check_answers(const GoldenAnswer& answer, GoldenRun& run, ModelChecker& checker) {
  if (!answer.greedy.empty()) checker.generated(run.generate(1.0, false));
  if (!answer.greedy_pen_all.empty()) {
    checker.penalised("greedy_pen_all", answer.greedy_pen_all, run.generate(kRepetitionPenalty, true));
  }
  if (!answer.greedy_pen_new.empty()) {
    checker.penalised("greedy_pen_new", answer.greedy_pen_new, run.generate(kRepetitionPenalty, false));
  }
}

}  // namespace

GoldenTolerances golden_tolerances(const LanguageConfig& language) {
  GoldenTolerances tolerances;
  if (language.scoring_func == ScoringFunc::kSigmoid) {
    tolerances.bf16_cosine = 0.95;
    tolerances.bf16_argmax_share = 0.7;
  }
  return tolerances;
}

double share_limit(double share, size_t num_samples) {
  return num_samples == 0 ? share : share - std::sqrt(share * (1 - share) / static_cast<double>(num_samples));
}

std::vector<double> layer_tolerances(const std::vector<RouterNearTie>& ties, const LanguageConfig& language,
                                     const std::vector<int64_t>& positions) {
  const GoldenTolerances tolerances = golden_tolerances(language);
  std::vector<int> moe_layers;
  for (int layer = 0; layer < language.num_layers; ++layer) {
    if (language.is_moe_layer(layer)) moe_layers.push_back(layer);
  }
  std::vector<double> rows(static_cast<size_t>(language.num_layers) * positions.size(), tolerances.activations);
  for (const RouterNearTie& tie : ties) {
    if (tie.moe_layer < 0 || tie.moe_layer >= static_cast<int>(moe_layers.size())) {
      throw Error(ErrorCode::kInvalidRequest,
                  fmt::format("router_near_ties: MoE layer {}, the model has {}", tie.moe_layer, moe_layers.size()));
    }
    const int first_layer = moe_layers[static_cast<size_t>(tie.moe_layer)];
    for (size_t row = 0; row < rows.size(); ++row) {
      const bool reached =
          static_cast<int>(row / positions.size()) >= first_layer && positions[row % positions.size()] >= tie.position;
      if (reached) rows[row] = tolerances.layers_after_near_tie;
    }
  }
  return rows;
}

void check_model(const GoldenCase& golden, GoldenRunInput input, const GoldenModelContext& context, CaseReport& report) {
  ModelChecker checker(golden, context, report);
  GoldenRun run(context.runner, std::move(input));
  checker.vision(run.encode_images());
  const GoldenPrefill prefill = run.prefill();
  checker.prefill(prefill);
  if (context.compute == ComputeType::kF32) check_answers(golden.answer, run, checker);
  checker.argmax(prefill.argmax);
}

}  // namespace spyhop
