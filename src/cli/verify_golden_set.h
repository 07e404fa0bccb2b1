// A golden set: a folder with manifest.json that indexes checkpoints, cases, images and tables recorded from the reference.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prompt/reference_conversation.h"
#include "runtime/safetensors.h"

namespace spyhop {

/// A recorded tensor, converted.
template <typename T>
struct GoldenArray {
  std::vector<int64_t> shape;
  std::vector<T> values;  // row-major
};

/// The tensors of a case. Which ones there are differs from case to case.
class GoldenTensors {
 public:
  /// No tensors at all.
  GoldenTensors() = default;
  /// Throws Error{kModelLoad} for a file that is no safetensors file.
  explicit GoldenTensors(const std::string& path) : file_(SafetensorsFile::open(path)) {}

  bool empty() const { return !file_; }
  bool has(const std::string& name) const { return file_ && file_->find(name) != nullptr; }

  /// A tensor of any integer type up to 32 bits, or I64. Throws Error when it is not there or of another type.
  GoldenArray<int64_t> integers(const std::string& name) const;

  /// A tensor of type F32. Throws Error when it is not there or of another type.
  GoldenArray<float> floats(const std::string& name) const;

 private:
  const StoredTensor& find(const std::string& name) const;

  std::optional<SafetensorsFile> file_;
};

/// An image fitted to a canvas; all sizes in pixels.
struct GoldenCanvas {
  int width = 0;
  int height = 0;
  int fit_width = 0;
  int fit_height = 0;
  std::vector<int> pad_color;  // r, g, b
  std::string rgb_sha256;      // of [height, width, 3] bytes
};

struct GoldenImage {
  std::string path;  // of the encoded image, in the set
  int width = 0;
  int height = 0;
  std::string rgb_sha256;  // of [height, width, 3] bytes
  GoldenCanvas global;
  GoldenCanvas local;
  int cols = 0;  // tiles of the local canvas
  int rows = 0;
  int first_tile = 0;
};

/// The router's choice at (MoE layer, position) was close: its k-th and (k+1)-th score are `margin` apart.
struct RouterNearTie {
  int moe_layer = 0;
  int position = 0;
  double margin = 0;
};

/// Token ids that the reference generated, and their text, where recorded.
struct GoldenAnswer {
  std::vector<int64_t> greedy;          // never stopped at eos
  std::vector<int64_t> greedy_pen_all;  // with a repetition penalty over prompt and answer; empty: not recorded
  std::vector<int64_t> greedy_pen_new;  // over the answer only; empty: not recorded
  std::optional<int> eos_index;         // in `greedy`
  std::optional<std::string> text;
  std::optional<std::string> text_skip_special;
  std::optional<std::string> text_until_eos;
  std::optional<std::string> text_until_eos_skip_special;
};

struct GoldenCase {
  std::string family;
  std::string name;
  std::vector<ReferenceMessage> conversation;
  std::vector<std::string> images;  // of all messages, in order, surplus ones included
  int num_tokens = 0;
  std::optional<std::string> prompt_token_text;  // decoded prompt, each run of image tokens shown once
  std::vector<int64_t> num_image_tokens;         // per image
  std::vector<int64_t> spatial_crop;             // per image: cols, rows
  std::vector<GoldenImage> image_info;
  std::vector<std::string> pixels_sha256;  // per tile: of [3, S, S] little-endian float32
  int pixels_stride = 1;
  int vision_patch_stride = 1;
  int projector_token_stride = 1;
  std::vector<RouterNearTie> router_near_ties;
  GoldenAnswer answer;
  GoldenTensors tensors;
};

/// A file of the set with its digest.
struct GoldenFile {
  std::string path;  // in the set
  int64_t bytes = -1;
  std::string sha256;
};

struct GoldenCaseEntry {
  std::string name;
  std::string json_path;     // in the set
  std::string tensors_path;  // in the set; empty: none
  int num_tokens = 0;
};

/// What the manifest says of a checkpoint; absent values are not checked.
struct GoldenDimensions {
  std::optional<int> num_tensors;
  std::optional<int64_t> num_parameters;
  std::optional<int> image_size;   // S
  std::optional<int> patch_grid;   // g
  std::optional<int> tile_tokens;  // t
  std::optional<int> vocab_size;
  std::optional<int> tokenizer_size;
  std::map<std::string, int> special_ids;
};

struct GoldenFamily {
  std::string name;
  std::string checkpoint;         // folder in the set
  std::vector<GoldenFile> files;  // of the checkpoint
  GoldenDimensions dimensions;
  std::vector<GoldenCaseEntry> cases;
};

struct GoldenSet {
  std::string dir;
  std::vector<GoldenFamily> families;
  std::vector<GoldenFile> images;
  std::vector<std::string> tables;  // file names under tables/

  /// Path on this machine of something in the set.
  std::string path(const std::string& in_set) const { return dir + "/" + in_set; }
};

/// Reads `dir`/manifest.json. Throws Error{kNotFound | kInvalidRequest} naming the file and the field.
GoldenSet read_golden_set(const std::string& dir);

/// Reads one case's JSON and opens its tensors. Throws Error naming the file and the field.
GoldenCase read_golden_case(const GoldenSet& set, const GoldenFamily& family, const GoldenCaseEntry& entry);

/// The messages of [{role, content, images?}].
std::vector<ReferenceMessage> parse_conversation(const nlohmann::json& list);

/// Parses a JSON file. Throws Error{kNotFound | kInvalidRequest} naming it.
nlohmann::json read_json_file(const std::string& path);

/// The whole file. Throws Error{kNotFound}.
std::string read_binary_file(const std::string& path);

}  // namespace spyhop
