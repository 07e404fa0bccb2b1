#include "cli/verify_golden_set.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

/// Runs `read`; a field that is missing or of another type becomes an Error that names the file.
template <typename Read>
auto with_file_named(const std::string& path, Read read) {
  try {
    return read();
  } catch (const json::exception& e) {
    throw Error(ErrorCode::kInvalidRequest, path + ": " + e.what());
  }
}

template <typename T>
T value_or(const json& object, const char* key, T fallback) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? fallback : found->get<T>();
}

/// A stride; throws Error for one that never advances.
int stride_or_one(const json& object, const char* key) {
  const int stride = value_or(object, key, 1);
  if (stride < 1)
    throw Error(ErrorCode::kInvalidRequest, std::string(key) + ": " + std::to_string(stride) + ", must be at least 1");
  return stride;
}

template <typename T>
std::optional<T> optional_value(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::nullopt : std::optional<T>(found->get<T>());
}

/// The files of {name: {bytes, sha256}}, names relative to `folder` (empty: to the set).
std::vector<GoldenFile> parse_files(const json& object, const std::string& folder) {
  std::vector<GoldenFile> files;
  for (const auto& [name, entry] : object.items()) {
    GoldenFile file;
    file.path = folder.empty() ? name : folder + "/" + name;
    file.bytes = value_or<int64_t>(entry, "bytes", -1);
    file.sha256 = value_or<std::string>(entry, "sha256", "");
    files.push_back(std::move(file));
  }
  return files;
}

GoldenDimensions parse_dimensions(const json& object) {
  GoldenDimensions dimensions;
  dimensions.num_tensors = optional_value<int>(object, "tensors");
  dimensions.num_parameters = optional_value<int64_t>(object, "parameters");
  dimensions.image_size = optional_value<int>(object, "image_size");
  dimensions.patch_grid = optional_value<int>(object, "patch_grid");
  dimensions.tile_tokens = optional_value<int>(object, "tokens_per_tile_side");
  dimensions.vocab_size = optional_value<int>(object, "vocab_size");
  dimensions.tokenizer_size = optional_value<int>(object, "tokenizer_size");
  dimensions.special_ids = value_or<std::map<std::string, int>>(object, "special_ids", {});
  return dimensions;
}

GoldenFamily parse_family(const std::string& name, const json& object) {
  GoldenFamily family;
  family.name = name;
  family.checkpoint = object.at("checkpoint").get<std::string>();
  if (object.contains("files")) family.files = parse_files(object.at("files"), family.checkpoint);
  family.dimensions = parse_dimensions(object);
  for (const json& entry : object.at("cases")) {
    GoldenCaseEntry one;
    one.name = entry.at("name").get<std::string>();
    one.json_path = entry.at("json").get<std::string>();
    one.tensors_path = value_or<std::string>(entry, "tensors", "");
    one.num_tokens = value_or(entry, "n_tokens", 0);
    family.cases.push_back(std::move(one));
  }
  return family;
}

GoldenCanvas parse_canvas(const json& object) {
  GoldenCanvas canvas;
  canvas.width = object.at("target").at(0).get<int>();
  canvas.height = object.at("target").at(1).get<int>();
  canvas.fit_width = object.at("fit").at(0).get<int>();
  canvas.fit_height = object.at("fit").at(1).get<int>();
  canvas.pad_color = value_or<std::vector<int>>(object, "pad_color", {});
  canvas.rgb_sha256 = object.at("rgb_sha256").get<std::string>();
  return canvas;
}

GoldenImage parse_image(const json& object, const std::string& path) {
  GoldenImage image;
  image.path = path;
  image.width = object.at("size").at(0).get<int>();
  image.height = object.at("size").at(1).get<int>();
  image.rgb_sha256 = object.at("rgb_sha256").get<std::string>();
  image.global = parse_canvas(object.at("global"));
  image.local = parse_canvas(object.at("local"));
  image.cols = object.at("tiles_wh").at(0).get<int>();
  image.rows = object.at("tiles_wh").at(1).get<int>();
  image.first_tile = object.at("first_tile").get<int>();
  return image;
}

GoldenAnswer parse_answer(const json& object) {
  GoldenAnswer answer;
  answer.greedy = value_or<std::vector<int64_t>>(object, "greedy", {});
  answer.greedy_pen_all = value_or<std::vector<int64_t>>(object, "greedy_pen_all", {});
  answer.greedy_pen_new = value_or<std::vector<int64_t>>(object, "greedy_pen_new", {});
  answer.eos_index = optional_value<int>(object, "eos_index");
  answer.text = optional_value<std::string>(object, "greedy_text");
  answer.text_skip_special = optional_value<std::string>(object, "greedy_text_skip_special");
  answer.text_until_eos = optional_value<std::string>(object, "text_until_eos");
  answer.text_until_eos_skip_special = optional_value<std::string>(object, "text_until_eos_skip_special");
  return answer;
}

std::vector<RouterNearTie> parse_near_ties(const json& list) {
  std::vector<RouterNearTie> ties;
  for (const json& tie : list) ties.push_back({tie.at(0).get<int>(), tie.at(1).get<int>(), tie.at(2).get<double>()});
  return ties;
}

std::vector<std::string> images_of(const json& conversation) {
  std::vector<std::string> images;
  for (const json& message : conversation) {
    for (const json& image : value_or(message, "images", json::array())) images.push_back(image.get<std::string>());
  }
  return images;
}

GoldenCase parse_case(const json& object) {
  GoldenCase parsed;
  const json& conversation = object.at("conversation");
  parsed.conversation = parse_conversation(conversation);
  parsed.images = images_of(conversation);
  parsed.num_tokens = object.at("n_tokens").get<int>();
  parsed.prompt_token_text = optional_value<std::string>(object, "prompt_token_text");
  parsed.num_image_tokens = value_or<std::vector<int64_t>>(object, "num_image_tokens", {});
  for (const json& crop : value_or(object, "images_spatial_crop_wh", json::array())) {
    for (const json& side : crop) parsed.spatial_crop.push_back(side.get<int64_t>());
  }
  const json infos = value_or(object, "image_info", json::array());
  for (size_t i = 0; i < infos.size(); ++i) {
    parsed.image_info.push_back(parse_image(infos[i], i < parsed.images.size() ? parsed.images[i] : ""));
  }
  parsed.pixels_sha256 = value_or<std::vector<std::string>>(object, "pixels_sha256_f32", {});
  parsed.pixels_stride = stride_or_one(object, "pixels_stride");
  parsed.vision_patch_stride = stride_or_one(object, "vision_patch_stride");
  parsed.projector_token_stride = stride_or_one(object, "projector_token_stride");
  parsed.router_near_ties = parse_near_ties(value_or(object, "router_near_ties", json::array()));
  parsed.answer = parse_answer(object);
  return parsed;
}

template <typename Stored, typename T>
std::vector<T> converted(const StoredTensor& tensor) {
  std::vector<T> values(static_cast<size_t>(tensor.num_elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    Stored value;
    std::memcpy(&value, tensor.data + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<T>(value);
  }
  return values;
}

[[noreturn]] void wrong_type(const StoredTensor& tensor, const std::string& path, const char* allowed) {
  throw Error(ErrorCode::kInvalidRequest, path + ": tensor '" + tensor.name + "' is " +
                                              std::string(stored_type_name(tensor.type)) + ", must be " + allowed);
}

}  // namespace

const StoredTensor& GoldenTensors::find(const std::string& name) const {
  if (!file_) throw Error(ErrorCode::kInvalidRequest, "tensor '" + name + "' is wanted of a case without tensors");
  return file_->at(name);
}

GoldenArray<int64_t> GoldenTensors::integers(const std::string& name) const {
  const StoredTensor& tensor = find(name);
  switch (tensor.type) {
    case StoredType::kU8:
      return {tensor.shape, converted<uint8_t, int64_t>(tensor)};
    case StoredType::kI8:
      return {tensor.shape, converted<int8_t, int64_t>(tensor)};
    case StoredType::kU16:
      return {tensor.shape, converted<uint16_t, int64_t>(tensor)};
    case StoredType::kI16:
      return {tensor.shape, converted<int16_t, int64_t>(tensor)};
    case StoredType::kU32:
      return {tensor.shape, converted<uint32_t, int64_t>(tensor)};
    case StoredType::kI32:
      return {tensor.shape, converted<int32_t, int64_t>(tensor)};
    case StoredType::kI64:
      return {tensor.shape, converted<int64_t, int64_t>(tensor)};
    default:
      wrong_type(tensor, file_->path(), "an integer");
  }
}

GoldenArray<float> GoldenTensors::floats(const std::string& name) const {
  const StoredTensor& tensor = find(name);
  if (tensor.type != StoredType::kF32) wrong_type(tensor, file_->path(), "F32");
  return {tensor.shape, converted<float, float>(tensor)};
}

std::vector<ReferenceMessage> parse_conversation(const json& list) {
  std::vector<ReferenceMessage> messages;
  for (const json& message : list) {
    const auto num_images = static_cast<int>(value_or(message, "images", json::array()).size());
    messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>(), num_images});
  }
  return messages;
}

std::string read_binary_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw Error(ErrorCode::kNotFound, path + ": no such file");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

json read_json_file(const std::string& path) {
  const std::string text = read_binary_file(path);
  return with_file_named(path, [&] { return json::parse(text); });
}

GoldenSet read_golden_set(const std::string& dir) {
  const std::string path = dir + "/manifest.json";
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, "--golden " + dir + ": holds no manifest.json, so it is no golden set", "--golden");
  }
  const json manifest = read_json_file(path);
  return with_file_named(path, [&] {
    GoldenSet set;
    set.dir = dir;
    for (const auto& [name, family] : manifest.at("families").items()) set.families.push_back(parse_family(name, family));
    set.images = parse_files(value_or(manifest, "images", json::object()), "");
    for (GoldenFile& image : set.images) image.path.insert(0, "images/");
    set.tables = value_or<std::vector<std::string>>(manifest, "tables", {});
    return set;
  });
}

GoldenCase read_golden_case(const GoldenSet& set, const GoldenFamily& family, const GoldenCaseEntry& entry) {
  const std::string path = set.path(entry.json_path);
  const json object = read_json_file(path);
  GoldenCase parsed = with_file_named(path, [&] { return parse_case(object); });
  parsed.family = family.name;
  parsed.name = entry.name;
  if (!entry.tensors_path.empty() && std::filesystem::exists(set.path(entry.tensors_path))) {
    parsed.tensors = GoldenTensors(set.path(entry.tensors_path));
  }
  return parsed;
}

}  // namespace spyhop
