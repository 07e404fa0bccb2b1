#include "registry/config_reader.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace spyhop {
namespace {

using nlohmann::json;

constexpr int kMaxImageSide = 4096;
constexpr int kMaxGrid = 256;
constexpr size_t kMaxResolutions = 256;
constexpr int kMaxTilesPerImage = 100;

VisionConfig read_vision(JsonFields& fields) {
  VisionConfig vision;
  vision.image_size = fields.integer("image_size", {1, kMaxImageSide}, vision.image_size);
  vision.patch_size = fields.integer("patch_size", {1, 256}, vision.patch_size);
  vision.width = fields.integer("width", {1, 16384}, vision.width);
  vision.num_layers = fields.integer("layers", {1, 256}, vision.num_layers);
  vision.num_heads = fields.integer("heads", {1, 256}, vision.num_heads);
  vision.mlp_ratio = fields.number("mlp_ratio", {0.01, 64}, vision.mlp_ratio);
  fields.one_of("global_pool", {"map"}, "map");
  if (fields.boolean("class_token", false)) fields.report("class_token", "false");
  if (!fields.boolean("ignore_head", true)) fields.report("ignore_head", "true");

  const bool sides_known = fields.is_valid("image_size") && fields.is_valid("patch_size");
  if (sides_known && (vision.grid() < 1 || vision.grid() > kMaxGrid)) {
    fields.report("patch_size",
                  "1 to " + std::to_string(kMaxGrid) + " patches along image_size, " + std::to_string(vision.image_size));
  }
  if (fields.is_valid("width") && fields.is_valid("heads") && vision.width % vision.num_heads != 0) {
    fields.report("width", "a multiple of heads, " + std::to_string(vision.num_heads));
  }
  if (fields.is_valid("width") && fields.is_valid("mlp_ratio") && vision.mlp_hidden() < 1) {
    fields.report("mlp_ratio", "width * mlp_ratio at least 1, width is " + std::to_string(vision.width));
  }
  return vision;
}

ProjectorConfig read_projector(JsonFields& fields) {
  ProjectorConfig projector;
  fields.one_of("projector_type", {"downsample_mlp_gelu"}, "downsample_mlp_gelu");
  projector.input_dim = fields.integer("input_dim", {1, 16384}, projector.input_dim);
  projector.n_embed = fields.integer("n_embed", {1, 32768}, projector.n_embed);
  projector.depth = fields.integer("depth", {2, 16}, projector.depth);
  projector.mlp_ratio = fields.integer("mlp_ratio", {1, 16}, projector.mlp_ratio);
  projector.downsample_ratio = fields.integer("downsample_ratio", {1, 16}, projector.downsample_ratio);
  if (fields.boolean("token_pooling", false)) fields.report("token_pooling", "false");
  return projector;
}

bool is_side(const json& value) {
  return value.is_number_unsigned() && value.get<uint64_t>() >= 1 && value.get<uint64_t>() <= 1'000'000;
}

/// What is wrong with a canvas, or "".
std::string canvas_problem(Resolution size, int tile_side) {
  const std::string side = std::to_string(tile_side);
  if (size.width % tile_side != 0 || size.height % tile_side != 0) {
    return "multiples of vision_config.image_size, " + side;
  }
  if (int64_t{size.width / tile_side} * (size.height / tile_side) > kMaxTilesPerImage) {
    return "at most " + std::to_string(kMaxTilesPerImage) + " tiles of " + side + "x" + side;
  }
  return "";
}

/// The canvas sizes; `tile_side` is nothing when it is not known.
std::vector<Resolution> read_resolutions(JsonFields& fields, std::optional<int> tile_side) {
  const std::string key = "candidate_resolutions";
  const json* value = fields.find(key);
  std::vector<Resolution> found;
  if (value == nullptr || !value->is_array() || value->empty() || value->size() > kMaxResolutions) {
    fields.report(key, "an array of 1 to " + std::to_string(kMaxResolutions) + " pairs [width, height]");
    return found;
  }
  for (size_t i = 0; i < value->size(); ++i) {
    const json& pair = (*value)[i];
    if (!pair.is_array() || pair.size() != 2 || !is_side(pair[0]) || !is_side(pair[1])) {
      fields.report(key, "pairs [width, height] of whole numbers; entry " + std::to_string(i) + " is " + describe_json(pair));
      continue;
    }
    found.push_back({pair[0].get<int>(), pair[1].get<int>()});
    const std::string problem = tile_side ? canvas_problem(found.back(), *tile_side) : "";
    if (!problem.empty()) fields.report(key, problem + "; entry " + std::to_string(i) + " is " + pair.dump());
  }
  // The reference's processor takes the side of a tile from the first width.
  if (tile_side && !found.empty() && found.front().width != *tile_side) {
    fields.report(key, "a first width equal to vision_config.image_size, " + std::to_string(*tile_side) + "; it is " +
                           std::to_string(found.front().width));
  }
  return found;
}

std::array<double, 3> read_channels(JsonFields& fields, const std::string& key, double min) {
  std::array<double, 3> channels{0.5, 0.5, 0.5};
  const json* value = fields.find(key);
  if (value == nullptr) return channels;
  bool good = value->is_array() && value->size() == channels.size();
  for (size_t i = 0; good && i < channels.size(); ++i) {
    good = (*value)[i].is_number() && (*value)[i].get<double>() >= min && (*value)[i].get<double>() <= 1.0;
    if (good) channels[i] = (*value)[i].get<double>();
  }
  if (!good) fields.report(key, min > 0 ? "three numbers from 0.001 to 1" : "three numbers from 0 to 1");
  return channels;
}

/// Reports `key` unless it is absent or equal to the field of config.json that it repeats.
void check_same(JsonFields& fields, const std::string& key, JsonFields& other, int expected) {
  if (fields.integer(key, {1, kMaxImageSide}, expected) == expected || !other.is_valid(key)) return;
  fields.report(key, "as in config.json, " + std::to_string(expected));
}

/// The fields that are about images; the sizes come with the model.
ProcessorConfig read_processor(JsonFields& config, JsonFields& fields, std::optional<int> tile_side) {
  ProcessorConfig processor;
  // The reference prepares images by the processor's list; the model's own copy it only prints.
  processor.candidate_resolutions = read_resolutions(fields.has("candidate_resolutions") ? fields : config, tile_side);
  processor.image_mean = read_channels(fields, "image_mean", 0.0);
  processor.image_std = read_channels(fields, "image_std", 0.001);
  if (!fields.boolean("normalize", true)) fields.report("normalize", "true");
  processor.image_token = fields.one_of("image_token", {processor.image_token}, processor.image_token);
  processor.pad_token = fields.text("pad_token", processor.pad_token);
  fields.one_of("sft_format", {"deepseek"}, "deepseek");
  // The default of the reference's class is a value that its model refuses.
  config.one_of("tile_tag", {"2D"});
  processor.global_view_first = config.one_of("global_view_pos", {"head", "tail"}, "head") == "head";
  return processor;
}

}  // namespace

/// Absent in checkpoints as the hubs have them; `spyhop quantize` writes it.
Quantization read_quantization(JsonFields& config) {
  constexpr int kGroupSize = 64;
  if (!config.has("quantization_config")) return Quantization::kNone;
  JsonFields fields = config.object("quantization_config", /*required=*/false);
  fields.one_of("quant_method", {"spyhop"});
  fields.integer("group_size", {kGroupSize, kGroupSize});
  return fields.one_of("format", {"int8", "int4"}) == "int8" ? Quantization::kInt8 : Quantization::kInt4;
}

ModelConfig read_model_config(JsonFields& config, JsonFields& processor) {
  config.one_of("model_type", {"deepseek_vl_v2"}, "deepseek_vl_v2");
  JsonFields vision_fields = config.object("vision_config", /*required=*/false);
  JsonFields projector_fields = config.object("projector_config", /*required=*/false);
  JsonFields language_fields = config.object("language_config", /*required=*/true);

  ModelConfig read;
  read.quantization = read_quantization(config);
  read.vision = read_vision(vision_fields);
  read.projector = read_projector(projector_fields);
  if (config.is_valid("language_config")) read.language = read_language_config(language_fields);
  read.processor = read_processor(
      config, processor, vision_fields.is_valid("image_size") ? std::optional<int>(read.vision.image_size) : std::nullopt);
  read.processor.image_size = read.vision.image_size;
  read.processor.patch_size = read.vision.patch_size;
  read.processor.downsample_ratio = read.projector.downsample_ratio;
  check_same(processor, "patch_size", vision_fields, read.vision.patch_size);
  check_same(processor, "downsample_ratio", projector_fields, read.projector.downsample_ratio);

  if (projector_fields.is_valid("input_dim") && vision_fields.is_valid("width") &&
      read.projector.input_dim != read.vision.width) {
    projector_fields.report("input_dim", "vision_config.width, " + std::to_string(read.vision.width));
  }
  if (config.is_valid("language_config") && projector_fields.is_valid("n_embed") && language_fields.is_valid("hidden_size") &&
      read.projector.n_embed != read.language.hidden_size) {
    projector_fields.report("n_embed", "language_config.hidden_size, " + std::to_string(read.language.hidden_size));
  }
  return read;
}

}  // namespace spyhop
