// The whole model: tower, projector, learned separators and language model.
#pragma once

#include <ATen/core/Tensor.h>

#include "registry/model_config.h"
#include "runtime/language_model.h"
#include "runtime/projector.h"
#include "runtime/runner.h"
#include "runtime/vision_encoder.h"
#include "runtime/weights.h"

namespace spyhop {

/// Source: DeepseekVLV2ForCausalLM.
class VlModel {
 public:
  VlModel(const Weights& weights, const ModelConfig& config);

  /// pixels: [num_tiles, 3, S, S] f32.
  TileEncoding begin_tiles(const at::Tensor& pixels) const;

  /// One layer further; `tiles` are not done yet.
  void advance_tiles(TileEncoding& tiles, VisionTrace* trace) const;

  /// tile_features: [1 + cols*rows, t*t, hidden], global view first. Returns the image's rows in token order: the global view
  /// with a newline behind each row, the separator, the local tiles as one grid with a newline behind each of its rows (or
  /// local view first).
  at::Tensor arrange_image(const at::Tensor& tile_features, int cols, int rows) const;

  const LanguageModel& language() const { return language_; }

 private:
  ModelConfig config_;
  at::Tensor image_newline_;   // [hidden]
  at::Tensor view_separator_;  // [hidden]
  VisionEncoder vision_;
  Projector projector_;
  LanguageModel language_;
};

}  // namespace spyhop
