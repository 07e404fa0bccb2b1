#include "cli/verify_golden_tables.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "api/grounding.h"
#include "cli/verify_golden_compare.h"
#include "cli/verify_golden_row_tally.h"
#include "common/sha256.h"
#include "prompt/chat_template.h"
#include "prompt/image.h"
#include "runtime/sampler.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr double kProbabilityTolerance = 1e-5;  // of a softmax over f32 logits

std::vector<int64_t> widened(const std::vector<int32_t>& ids) {
  return {ids.begin(), ids.end()};
}

std::string quoted(const std::string& text) {
  constexpr size_t kShown = 40;
  return json(text.size() <= kShown ? text : text.substr(0, kShown) + "...")
      .dump(-1, ' ', true, json::error_handler_t::replace);
}

Check check_encode_rows(const std::string& name, const json& rows, const Tokenizer& tokenizer) {
  RowTally tally(name, "texts");
  for (const json& row : rows) {
    const auto text = row.at("text").get<std::string>();
    const auto want = row.at("ids").get<std::vector<int64_t>>();
    tally.add(quoted(text), compare_integers("ids", want, widened(tokenizer.encode(text, SpecialTokens::kAll))));
  }
  return tally.result();
}

Check check_decode_rows(const std::string& name, const json& rows, const Tokenizer& tokenizer) {
  RowTally tally(name, "decodings");
  for (const json& row : rows) {
    const auto ids = row.at("ids").get<std::vector<int32_t>>();
    for (const bool skip_special : {false, true}) {
      const char* key = skip_special ? "decoded_skip_special" : "decoded";
      tally.add(fmt::format("[{}]", fmt::join(ids, " ")),
                compare_texts(key, row.at(key).get<std::string>(), tokenizer.decode(ids, skip_special)));
    }
  }
  return tally.result();
}

/// Both parts of a tokenizer_FAMILY table.
Check check_tokenizer(const std::string& name, const json& table, const Tokenizer& tokenizer) {
  const Check parts[] = {check_encode_rows(name, table.at("encode"), tokenizer),
                         check_decode_rows(name, table.at("encode"), tokenizer),
                         check_decode_rows(name, table.at("decode"), tokenizer)};
  std::vector<std::string> summaries;
  for (const Check& part : parts) {
    if (part.verdict == Verdict::kFail) return part;
    summaries.push_back(part.summary);
  }
  return passed(name, fmt::format("{}", fmt::join(summaries, ", ")));
}

/// What `check` finds; where the row records an error of the reference, that `check` throws Error.
Check check_or_refusal(const json& row, const std::function<Check()>& check) {
  const bool refused_by_reference = row.is_object() && row.contains("error");
  try {
    const Check found = check();
    if (!refused_by_reference) return found;
  } catch (const Error& e) {
    return refused_by_reference ? passed("error", "") : failed("refused", e.what());
  }
  return failed("error", "accepted, where the reference answers: " + row.at("error").get<std::string>());
}

Check check_prompt_row(const json& row, const Tokenizer& tokenizer) {
  return check_or_refusal(row, [&] {
    const auto messages = parse_reference_conversation(parse_conversation(row.at("conversation")));
    const TemplateIds got = encode_conversation(messages, {}, tokenizer, SpecialTokens::kAll);
    return compare_integers("input_ids", row.value("input_ids", std::vector<int64_t>()), widened(got.token_ids));
  });
}

Check check_prompts(const std::string& name, const json& table, const Tokenizer& tokenizer) {
  RowTally tally(name, "conversations");
  for (const json& row : table) tally.add(row.at("conversation").dump(), check_prompt_row(row, tokenizer));
  return tally.result();
}

Check check_resolution_row(const json& row, const ProcessorConfig& processor) {
  const TileGrid grid = choose_tile_grid(row.at(0).get<int>(), row.at(1).get<int>(), processor, /*cropping=*/true);
  return compare_integers(
      "canvas and tokens", {row.at(2).get<int>(), row.at(3).get<int>(), row.at(4).get<int>()},
      {grid.cols * processor.image_size, grid.rows * processor.image_size, count_image_tokens(grid, processor)});
}

Check check_resolutions(const std::string& name, const json& table, const std::vector<GoldenFamilyParts>& families) {
  RowTally tally(name, "sizes");
  for (const GoldenFamilyParts& family : families) {
    if (!table.contains(family.name)) continue;
    for (const json& row : table.at(family.name).at("rows")) {
      tally.add(fmt::format("{} {}x{}", family.name, row.at(0).get<int>(), row.at(1).get<int>()),
                check_or_refusal(row, [&] { return check_resolution_row(row, family.config.processor); }));
    }
  }
  return tally.result();
}

/// Calls `check` with the bytes of the row's image, if that is in the set.
void add_image_row(RowTally& tally, const json& row, const GoldenSet& set,
                   const std::function<Check(const std::string&)>& check) {
  const auto image = row.at("image").get<std::string>();
  if (!std::filesystem::exists(set.path(image))) return tally.skip("images not in the set");
  tally.add(image, check_or_refusal(row, [&] { return check(read_binary_file(set.path(image))); }));
}

std::string digest_of(const RgbImage& image) {
  return Sha256().update(image.pixels.data(), image.pixels.size()).hex();
}

Check check_decode(const std::string& name, const json& table, const GoldenTablesContext& context) {
  RowTally tally(name, "images");
  for (const json& row : table) {
    add_image_row(tally, row, context.set, [&](const std::string& bytes) {
      const RgbImage image = decode_image(bytes, context.limits);
      const Check size = compare_integers("size", row.at("size").get<std::vector<int64_t>>(), {image.width, image.height});
      return size.verdict == Verdict::kFail
                 ? size
                 : compare_texts("rgb_sha256", row.at("rgb_sha256").get<std::string>(), digest_of(image));
    });
  }
  return tally.result();
}

Check check_resize(const std::string& name, const json& table, const GoldenTablesContext& context) {
  RowTally tally(name, "resizings");
  for (const json& row : table) {
    add_image_row(tally, row, context.set, [&](const std::string& bytes) {
      const RgbImage image = decode_image(bytes, context.limits);
      const auto target = row.at("target").get<std::vector<int>>();
      if (int64_t{target.at(0)} * target.at(1) > context.limits.max_pixels) return failed("target", "over the limit of pixels");
      const RgbImage padded = pad_to(image, target.at(0), target.at(1), ProcessorConfig());
      return compare_texts(fmt::format("to {}x{}", target[0], target[1]), row.at("rgb_sha256").get<std::string>(),
                           digest_of(padded));
    });
  }
  return tally.result();
}

/// All 256 byte values, as the red plane of a 16 x 16 tile.
Check check_normalise(const std::string& name, const json& table) {
  ProcessorConfig processor;
  processor.image_size = 16;
  std::vector<uint8_t> tile;
  for (int value = 0; value < 256; ++value) tile.insert(tile.end(), {static_cast<uint8_t>(value), 0, 0});
  std::vector<float> want;
  for (const json& bits : table.at("float32_bits")) {
    const auto pattern = static_cast<uint32_t>(bits.get<int64_t>());
    float value;
    std::memcpy(&value, &pattern, sizeof(value));
    want.push_back(value);
  }
  std::vector<float> got = normalise_tile(tile.data(), processor);
  got.resize(256);
  Check check = compare_floats_exactly(name, want, got);
  if (check.verdict == Verdict::kPass) check.summary += " values";
  return check;
}

Check check_sampling_row(const json& row, const GoldenTensors& wanted, const GoldenTensors& record) {
  SamplingParams params;
  params.temperature = row.at("temperature").get<double>();
  params.top_p = row.at("top_p").get<double>();
  params.top_k = row.at("top_k").get<int>();
  params.repetition_penalty = row.at("repetition_penalty").get<double>();
  std::vector<int32_t> seen = row.value("generated", std::vector<int32_t>());
  if (row.at("scope") == "prompt+generated") {
    for (int64_t id : record.integers("input_ids").values) seen.push_back(static_cast<int32_t>(id));
  }
  const std::vector<float> logits = record.floats("logits_last").values;
  const std::vector<float> want = wanted.floats(row.at("tensor").get<std::string>()).values;
  const std::vector<float> got = SequenceSampler(params, seen, static_cast<int>(logits.size()), 0).probabilities(logits.data());
  const auto kept = std::count_if(got.begin(), got.end(), [](float p) { return p > 0; });
  const Check number = compare_integers("tokens kept", {row.at("kept").get<int64_t>()}, {kept});
  return number.verdict == Verdict::kFail ? number : compare_close("probabilities", want, got, kProbabilityTolerance);
}

Check check_sampling(const std::string& name, const json& table, const GoldenSet& set) {
  const std::string tensors = set.path("tables/" + name + ".safetensors");
  if (!std::filesystem::exists(tensors)) return not_run(name, name + ".safetensors is not in the set");
  const GoldenTensors wanted(tensors);
  RowTally tally(name, "distributions");
  for (const json& row : table) {
    const auto case_name = row.at("case").get<std::string>();
    const std::string path = set.path(case_name + ".safetensors");
    const GoldenTensors record = std::filesystem::exists(path) ? GoldenTensors(path) : GoldenTensors();
    if (!record.has("logits_last") || !record.has("input_ids")) {
      tally.skip("cases without logits");
      continue;
    }
    tally.add(fmt::format("{} of {}", row.at("tensor").get<std::string>(), case_name), check_sampling_row(row, wanted, record));
  }
  return tally.result();
}

/// Boxes of one answer: labels, and pixels in their order.
Check check_boxes(const json& row) {
  const auto text = row.at("text").get<std::string>();
  ImageUse image;
  image.width = row.at("image_size").at(0).get<int>();
  image.height = row.at("image_size").at(1).get<int>();
  const json& want = row.at("boxes");
  std::vector<std::string> labels;
  std::vector<int64_t> pixels;
  for (const GroundedBox& box : parse_grounding(text)) {
    // What the reference reads without a check may be out of range; what it passes over is malformed.
    if (!box.position || (want.empty() && !box.valid())) continue;
    labels.push_back(box.label.value_or(""));
    for (const int edge : pixels_of(box, image)) pixels.push_back(edge);
  }
  std::vector<std::string> want_labels;
  std::vector<int64_t> want_pixels;
  for (const json& box : want) {
    want_labels.push_back(box.at("label").get<std::string>());
    for (const json& edge : box.at("box")) want_pixels.push_back(edge.get<int64_t>());
  }
  const Check check =
      compare_texts("labels", fmt::format("{}", fmt::join(want_labels, "|")), fmt::format("{}", fmt::join(labels, "|")));
  return check.verdict == Verdict::kFail ? check : compare_integers("pixels", want_pixels, pixels);
}

Check check_grounding(const std::string& name, const json& table) {
  RowTally tally(name, "answers");
  for (const json& row : table) {
    if (row.at("boxes").is_null()) {
      tally.skip("answers that the reference's parser gives up");
    } else {
      tally.add(quoted(row.at("text").get<std::string>()), check_boxes(row));
    }
  }
  return tally.result();
}

/// True where the text spells a token of DeepSeek-VL2 that the recorded tokenizer did not have: its id is not among `ids`.
bool spells_unknown_token(const std::string& text, const std::vector<int64_t>& ids, const Tokenizer& tokenizer) {
  for (const char* token :
       {"<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<|User|>", "<|Assistant|>"}) {
    const int64_t id = tokenizer.id_of(token).value_or(-1);
    if (text.find(token) != std::string::npos && std::find(ids.begin(), ids.end(), id) == ids.end()) return true;
  }
  return false;
}

/// Ids of a vocabulary that is too large for the set, which may be that of a plain language model.
Check check_full_vocabulary(const std::string& name, const json& table, const GoldenTablesContext& context) {
  const auto folder = context.vocabularies.find(name);
  if (folder == context.vocabularies.end())
    return not_run(name, "the vocabulary is not in the set; name its folder by --vocabulary");
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(folder->second);
  RowTally tally(name, "texts");
  for (const json& row : table) {
    const auto text = row.at("text").get<std::string>();
    const auto want = row.at("ids").get<std::vector<int64_t>>();
    if (spells_unknown_token(text, want, *tokenizer)) {
      tally.skip("texts with tokens that the recorded vocabulary lacks");
    } else {
      tally.add(quoted(text), compare_integers("ids", want, widened(tokenizer->encode(text, SpecialTokens::kAll))));
    }
  }
  return tally.result();
}

/// The family that "PREFIX_FAMILY" is about; null when it was not asked for.
const GoldenFamilyParts* family_of(const std::string& name, const std::string& prefix,
                                   const std::vector<GoldenFamilyParts>& families) {
  for (const GoldenFamilyParts& family : families) {
    if (name == prefix + family.name) return &family;
  }
  return nullptr;
}

bool names_family(const std::string& name, const GoldenSet& set) {
  return std::any_of(set.families.begin(), set.families.end(), [&](const GoldenFamily& family) {
    return name == "tokenizer_" + family.name || name == "prompts_" + family.name;
  });
}

Check check_table(const std::string& name, const json& table, const GoldenTablesContext& context) {
  if (const auto* family = family_of(name, "tokenizer_", context.families))
    return check_tokenizer(name, table, *family->tokenizer);
  if (const auto* family = family_of(name, "prompts_", context.families)) return check_prompts(name, table, *family->tokenizer);
  if (name.rfind("tokenizer_full_", 0) == 0) return check_full_vocabulary(name, table, context);
  if (name == "resolutions") return check_resolutions(name, table, context.families);
  if (name == "decode") return check_decode(name, table, context);
  if (name == "resize") return check_resize(name, table, context);
  if (name == "normalise") return check_normalise(name, table);
  if (name == "sampling") return check_sampling(name, table, context.set);
  if (name == "grounding") return check_grounding(name, table);
  return not_run(name, "a table of unknown kind");
}

void check_file(RowTally& tally, const GoldenSet& set, const GoldenFile& file) {
  const std::string path = set.path(file.path);
  const std::string bytes = read_binary_file(path);
  const auto size = static_cast<int64_t>(bytes.size());
  if (file.bytes >= 0 && file.bytes != size) {
    return tally.add(file.path, failed("size", fmt::format("{} bytes, expected {}", size, file.bytes)));
  }
  if (!file.sha256.empty()) tally.add(file.path, compare_texts("sha256", file.sha256, sha256_hex(bytes)));
}

template <typename T>
void add_value(RowTally& tally, const char* name, const std::optional<T>& want, int64_t got) {
  if (want) tally.add(name, compare_integers(name, {static_cast<int64_t>(*want)}, {got}));
}

}  // namespace

Check check_checkpoint_files(const GoldenSet& set, const GoldenFamily& family, const GoldenFamilyParts& parts) {
  RowTally tally("checkpoint " + family.name, "facts");
  for (const GoldenFile& file : family.files) check_file(tally, set, file);
  const GoldenDimensions& want = family.dimensions;
  const SafetensorsFolder folder = SafetensorsFolder::open(set.path(family.checkpoint));
  int64_t num_parameters = 0;
  for (const SafetensorsFile& file : folder.files()) {
    for (const StoredTensor& tensor : file.tensors()) num_parameters += tensor.num_elements();
  }
  add_value(tally, "tensors", want.num_tensors, static_cast<int64_t>(folder.num_tensors()));
  add_value(tally, "parameters", want.num_parameters, num_parameters);
  add_value(tally, "image_size", want.image_size, parts.config.processor.image_size);
  add_value(tally, "patch_grid", want.patch_grid, parts.config.vision.grid());
  add_value(tally, "tokens_per_tile_side", want.tile_tokens, parts.config.processor.tile_tokens());
  add_value(tally, "vocab_size", want.vocab_size, parts.config.language.vocab_size);
  add_value(tally, "tokenizer_size", want.tokenizer_size, parts.tokenizer->size());
  for (const auto& [token, id] : want.special_ids) {
    tally.add(token, compare_integers("id", {id}, {parts.tokenizer->id_of(token).value_or(-1)}));
  }
  return tally.result();
}

Check check_image_files(const GoldenSet& set) {
  RowTally tally("images", "files");
  for (const GoldenFile& file : set.images) {
    if (std::filesystem::exists(set.path(file.path))) {
      check_file(tally, set, file);
    } else {
      tally.skip("images not in the set");
    }
  }
  return tally.result();
}

std::vector<Check> check_tables(const GoldenTablesContext& context) {
  std::vector<Check> checks;
  for (const std::string& file : context.set.tables) {
    const std::filesystem::path path(file);
    const std::string name = path.stem().string();
    const bool of_another_family = names_family(name, context.set) &&
                                   family_of(name, "tokenizer_", context.families) == nullptr &&
                                   family_of(name, "prompts_", context.families) == nullptr;
    if (path.extension() != ".json" || of_another_family) continue;
    if (!std::filesystem::exists(context.set.path("tables/" + file))) {
      checks.push_back(not_run(name, file + " is not in the set"));
      continue;
    }
    try {
      checks.push_back(check_table(name, read_json_file(context.set.path("tables/" + file)), context));
    } catch (const std::exception& e) {
      checks.push_back(failed(name, e.what()));
    }
  }
  return checks;
}

}  // namespace spyhop
