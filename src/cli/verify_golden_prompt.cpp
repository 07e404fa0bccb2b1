#include "cli/verify_golden_prompt.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/verify_golden_compare.h"
#include "common/sha256.h"
#include "prompt/chat_template.h"
#include "prompt/detokenizer.h"

namespace spyhop {
namespace {

std::string digest_of(const RgbImage& image) {
  return Sha256().update(image.pixels.data(), image.pixels.size()).hex();
}

std::string digest_of(const float* values, size_t count) {
  return Sha256().update(values, count * sizeof(float)).hex();
}

std::string size_text(int width, int height) {
  return fmt::format("{}x{}", width, height);
}

/// Every `stride`-th value in both directions of [num_planes, side, side].
std::vector<float> subsample(const std::vector<float>& planes, size_t side, size_t stride) {
  std::vector<float> kept;
  for (size_t plane = 0; plane < planes.size(); plane += side * side) {
    for (size_t y = 0; y < side; y += stride) {
      for (size_t x = 0; x < side; x += stride) kept.push_back(planes[plane + y * side + x]);
    }
  }
  return kept;
}

class PromptChecker {
 public:
  PromptChecker(const GoldenCase& golden, const GoldenPromptContext& context, CaseReport& report)
      : golden_(golden), context_(context), report_(report) {}

  GoldenPrompt check();

 private:
  void image(size_t index);
  void decoded_image(const GoldenImage& info, GoldenPromptImage& placed);
  void canvas_size(const std::string& name, const GoldenCanvas& want, const TileGrid& grid);
  void canvas(const std::string& name, const std::string& want_sha256, const RgbImage& image, const TileGrid& grid);
  void pixels();
  void ids();
  void texts();
  void text(const std::string& name, const std::vector<int64_t>& ids, bool skip_special,
            const std::optional<std::string>& want);

  size_t tile_side() const { return static_cast<size_t>(context_.processor.image_size); }

  const GoldenCase& golden_;
  const GoldenPromptContext& context_;
  CaseReport& report_;
  GoldenPrompt prompt_;
  std::vector<int> image_tokens_;  // per image
};

void PromptChecker::canvas_size(const std::string& name, const GoldenCanvas& want, const TileGrid& grid) {
  const int side = context_.processor.image_size;
  report_.add(Column::kPixels,
              compare_texts(name + " size", size_text(want.width, want.height), size_text(grid.cols * side, grid.rows * side)));
}

void PromptChecker::canvas(const std::string& name, const std::string& want_sha256, const RgbImage& image,
                           const TileGrid& grid) {
  const int side = context_.processor.image_size;
  const RgbImage padded = pad_to(image, grid.cols * side, grid.rows * side, context_.processor);
  report_.add(Column::kPixels, compare_texts(name + " rgb_sha256", want_sha256, digest_of(padded)));
}

void PromptChecker::decoded_image(const GoldenImage& info, GoldenPromptImage& placed) {
  const RgbImage image = decode_image(read_binary_file(context_.set.path(info.path)), context_.limits);
  report_.add(Column::kPixels, compare_texts("size", size_text(info.width, info.height), size_text(image.width, image.height)));
  report_.add(Column::kPixels, compare_texts("rgb_sha256", info.rgb_sha256, digest_of(image)));
  canvas("global", info.global.rgb_sha256, image, {1, 1});
  canvas("local", info.local.rgb_sha256, image, placed.grid);
  const std::vector<uint8_t> tiles = make_tiles(image, placed.grid, context_.processor);
  const size_t tile_bytes = tile_side() * tile_side() * 3;
  for (size_t at = 0; at + tile_bytes <= tiles.size(); at += tile_bytes) {
    const std::vector<float> values = normalise_tile(tiles.data() + at, context_.processor);
    placed.pixels.insert(placed.pixels.end(), values.begin(), values.end());
  }
}

void PromptChecker::image(size_t index) {
  const GoldenImage& info = golden_.image_info.at(index);
  const bool cropping = golden_.images.size() <= 2;
  GoldenPromptImage placed;
  placed.grid = choose_tile_grid(info.width, info.height, context_.processor, cropping);
  canvas_size("global", info.global, {1, 1});
  canvas_size("local", info.local, placed.grid);
  image_tokens_.push_back(count_image_tokens(placed.grid, context_.processor));
  if (std::filesystem::exists(context_.set.path(info.path))) {
    decoded_image(info, placed);
  } else if (prompt_.missing_image.empty()) {
    prompt_.missing_image = info.path;
  }
  prompt_.images.push_back(std::move(placed));
}

void PromptChecker::pixels() {
  if (prompt_.images.empty()) return;
  if (!prompt_.missing_image.empty()) {
    return report_.add(Column::kPixels, not_run("pixels", prompt_.missing_image + " is not in the set"));
  }
  std::vector<float> all;
  for (const GoldenPromptImage& image : prompt_.images) all.insert(all.end(), image.pixels.begin(), image.pixels.end());
  const size_t tile_size = 3 * tile_side() * tile_side();
  const size_t num_tiles = all.size() / tile_size;
  if (!golden_.pixels_sha256.empty()) {
    size_t equal = 0;
    for (size_t i = 0; i < std::min(num_tiles, golden_.pixels_sha256.size()); ++i) {
      equal += digest_of(all.data() + i * tile_size, tile_size) == golden_.pixels_sha256[i] ? 1 : 0;
    }
    const bool all_equal = equal == num_tiles && num_tiles == golden_.pixels_sha256.size();
    report_.add(Column::kPixels, all_equal ? passed("pixels_sha256_f32", fmt::format("{} tiles", num_tiles))
                                           : failed("pixels_sha256_f32", fmt::format("{} of {} tiles equal, expected {}", equal,
                                                                                     num_tiles, golden_.pixels_sha256.size())));
  }
  const GoldenTensors& record = golden_.tensors;
  if (record.has("pixels_sub")) {
    report_.add(Column::kPixels,
                compare_floats_exactly("pixels_sub", record.floats("pixels_sub").values,
                                       subsample(all, tile_side(), static_cast<size_t>(golden_.pixels_stride))));
  }
  if (record.has("pixels")) report_.add(Column::kPixels, compare_floats_exactly("pixels", record.floats("pixels").values, all));
}

void PromptChecker::ids() {
  const TemplateIds encoded = encode_conversation(parse_reference_conversation(golden_.conversation), image_tokens_,
                                                  context_.tokenizer, SpecialTokens::kAll);
  prompt_.token_ids = encoded.token_ids;
  const std::vector<int64_t> got(encoded.token_ids.begin(), encoded.token_ids.end());
  const GoldenTensors& record = golden_.tensors;
  Check same = record.has("input_ids") ? compare_integers("input_ids", record.integers("input_ids").values, got)
                                       : passed("n_tokens", fmt::format("{}", got.size()));
  if (same.verdict == Verdict::kPass && golden_.num_tokens != static_cast<int>(got.size())) {
    same = failed("n_tokens", fmt::format("{} tokens, expected {}", got.size(), golden_.num_tokens));
  }
  report_.add(Column::kIds, std::move(same));

  std::vector<int64_t> mask(got.size(), 0);
  std::vector<int64_t> crop;
  prompt_.images.resize(std::min(prompt_.images.size(), encoded.first_image_token.size()));
  for (size_t i = 0; i < prompt_.images.size(); ++i) {
    prompt_.images[i].first_token = encoded.first_image_token[i];
    std::fill_n(mask.begin() + encoded.first_image_token[i], image_tokens_[i], 1);
    crop.insert(crop.end(), {prompt_.images[i].grid.cols, prompt_.images[i].grid.rows});
  }
  const std::vector<int64_t> counts(image_tokens_.begin(),
                                    image_tokens_.begin() + static_cast<std::ptrdiff_t>(prompt_.images.size()));
  if (!golden_.num_image_tokens.empty()) {
    report_.add(Column::kIds, compare_integers("num_image_tokens", golden_.num_image_tokens, counts));
  }
  if (!golden_.spatial_crop.empty()) {
    report_.add(Column::kIds, compare_integers("images_spatial_crop_wh", golden_.spatial_crop, crop));
  }
  for (const auto& [name, got_values] :
       {std::pair("images_seq_mask", mask), {"images_spatial_crop", crop}, {"num_image_tokens", counts}}) {
    if (record.has(name)) report_.add(Column::kIds, compare_integers(name, record.integers(name).values, got_values));
  }
}

void PromptChecker::text(const std::string& name, const std::vector<int64_t>& ids, bool skip_special,
                         const std::optional<std::string>& want) {
  if (!want) return;
  const std::vector<int32_t> narrow(ids.begin(), ids.end());
  report_.add(Column::kTokens, compare_texts(name, *want, context_.tokenizer.decode(narrow, skip_special)));
  Detokenizer stream(context_.tokenizer, skip_special);
  std::string streamed;
  for (int32_t id : narrow) streamed += stream.push(id);
  streamed += stream.finish();
  report_.add(Column::kTokens, compare_texts(name + ", streamed", *want, streamed));
}

void PromptChecker::texts() {
  const GoldenAnswer& answer = golden_.answer;
  const auto length = answer.eos_index ? static_cast<size_t>(std::max(0, *answer.eos_index)) : answer.greedy.size();
  const auto end = answer.greedy.begin() + static_cast<std::ptrdiff_t>(std::min(length, answer.greedy.size()));
  const std::vector<int64_t> until_eos(answer.greedy.begin(), end);
  text("greedy_text", answer.greedy, false, answer.text);
  text("greedy_text_skip_special", answer.greedy, true, answer.text_skip_special);
  text("text_until_eos", until_eos, false, answer.text_until_eos);
  text("text_until_eos_skip_special", until_eos, true, answer.text_until_eos_skip_special);
  const auto eos = std::find(answer.greedy.begin(), answer.greedy.end(), context_.tokenizer.special_ids().eos);
  const int64_t eos_index = eos == answer.greedy.end() ? -1 : eos - answer.greedy.begin();
  if (eos_index != answer.eos_index.value_or(-1)) {
    const std::string detail = fmt::format("{}, expected {} (-1: none)", eos_index, answer.eos_index.value_or(-1));
    report_.add(Column::kTokens, failed("eos_index", detail));
  }
  if (!golden_.prompt_token_text) return;
  std::vector<int32_t> shown;
  const int32_t image = context_.tokenizer.special_ids().image;
  for (int32_t id : prompt_.token_ids) {
    if (id != image || shown.empty() || shown.back() != image) shown.push_back(id);
  }
  report_.add(Column::kIds,
              compare_texts("prompt_token_text", *golden_.prompt_token_text, context_.tokenizer.decode(shown, false)));
}

GoldenPrompt PromptChecker::check() {
  for (size_t i = 0; i < golden_.image_info.size(); ++i) image(i);
  ids();
  pixels();
  texts();
  return std::move(prompt_);
}

}  // namespace

GoldenPrompt check_prompt(const GoldenCase& golden, const GoldenPromptContext& context, CaseReport& report) {
  return PromptChecker(golden, context, report).check();
}

}  // namespace spyhop
