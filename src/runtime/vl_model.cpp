#include "runtime/vl_model.h"

#include <ATen/ATen.h>

#include "runtime/kernels/check.h"

namespace spyhop {
namespace {

/// grid: [height, width, hidden]. Returns [height * (width + 1), hidden].
at::Tensor with_newlines(const at::Tensor& grid, const at::Tensor& newline) {
  return at::cat({grid, newline.view({1, 1, -1}).expand({grid.size(0), 1, grid.size(2)})}, 1).flatten(0, 1);
}

}  // namespace

VlModel::VlModel(const Weights& weights, const ModelConfig& config)
    : config_(config),
      image_newline_(weights.at("image_newline")),
      view_separator_(weights.at("view_seperator")),
      vision_(weights, config.vision),
      projector_(weights, config.projector),
      language_(weights, config.language) {}

TileEncoding VlModel::begin_tiles(const at::Tensor& pixels) const {
  TileEncoding tiles;
  tiles.hidden = pixels.to(image_newline_.options());
  tiles.num_layers = vision_.num_blocks() + 2;
  return tiles;
}

void VlModel::advance_tiles(TileEncoding& tiles, VisionTrace* trace) const {
  if (tiles.num_done == 0) {
    tiles.hidden = vision_.embed(tiles.hidden, trace);
  } else if (tiles.num_done <= vision_.num_blocks()) {
    vision_.apply_block(tiles.num_done - 1, tiles.hidden);
  } else {
    tiles.features = projector_.forward(vision_.finish(tiles.hidden, trace));
    tiles.hidden.reset();
    if (trace != nullptr) trace->projector_out = tiles.features.to(at::kFloat);
  }
  ++tiles.num_done;
}

at::Tensor VlModel::arrange_image(const at::Tensor& tile_features, int cols, int rows) const {
  const int64_t side = config_.processor.tile_tokens();
  const int64_t hidden = image_newline_.size(0);
  require(cols > 0 && rows > 0 && tile_features.dim() == 3 && tile_features.size(0) == int64_t{1} + int64_t{cols} * rows,
          "arrange_image takes 1 + cols * rows tiles");
  require(tile_features.size(1) == side * side && tile_features.size(2) == hidden, "arrange_image takes [tiles, t*t, hidden]");
  const at::Tensor global = with_newlines(tile_features[0].view({side, side, hidden}), image_newline_);
  const at::Tensor tiles = tile_features.slice(0, 1).reshape({rows, cols, side, side, hidden}).permute({0, 2, 1, 3, 4});
  const at::Tensor local = with_newlines(tiles.reshape({rows * side, cols * side, hidden}), image_newline_);
  const at::Tensor separator = view_separator_.view({1, hidden});
  return config_.processor.global_view_first ? at::cat({global, separator, local}) : at::cat({local, separator, global});
}

}  // namespace spyhop
