#include "cli/verify_checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/problem_list.h"
#include "prompt/tokenizer.h"
#include "registry/model_config.h"
#include "runtime/safetensors.h"
#include "runtime/weights.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

/// A line of the table and what stands below it.
struct CheckResult {
  bool holds = true;
  std::string found;
  std::vector<std::string> details;
};

struct Tally {
  size_t num_tensors = 0;
  int64_t num_parameters = 0;
  size_t num_bytes = 0;

  void add(const StoredTensor& tensor) {
    ++num_tensors;
    num_parameters += tensor.num_elements();
    num_bytes += tensor.num_bytes;
  }
};

std::string padded(const std::string& text, int width) {
  return text.size() < static_cast<size_t>(width) ? text + std::string(static_cast<size_t>(width) - text.size(), ' ') : text;
}

/// With a decimal prefix: "1.5 M".
std::string scaled(double value) {
  struct Prefix {
    double unit;
    const char* format;
  };
  for (const Prefix prefix : {Prefix{1e9, "%.3f G"}, Prefix{1e6, "%.1f M"}, Prefix{1e3, "%.1f k"}}) {
    if (value < prefix.unit) continue;
    char text[48];
    std::snprintf(text, sizeof text, prefix.format, value / prefix.unit);
    return text;
  }
  return std::to_string(static_cast<int64_t>(value));
}

std::string tally_text(const std::string& name, const Tally& tally) {
  return padded(name, 36) + " " + padded(std::to_string(tally.num_tensors) + " tensors", 14) +
         padded(scaled(static_cast<double>(tally.num_parameters)) + " parameters", 22) +
         scaled(static_cast<double>(tally.num_bytes)) + "B";
}

/// The part of the model that a tensor belongs to.
std::string part_of(const std::string& name) {
  const auto has = [&name](const char* text) { return name.find(text) != std::string::npos; };
  if (has("vision.attn_pool.")) return "vision pooling (unused)";
  if (has("vision.")) return "vision";
  if (has(".mlp.experts.")) return "language experts";
  if (has(".mlp.shared_experts.")) return "language shared experts";
  if (has(".mlp.gate.")) return "language router";
  if (has(".self_attn.")) return "language attention";
  if (has("embed_tokens") || has("lm_head")) return "language vocabulary";
  if (has("language.")) return "language dense";
  return "projector";
}

/// The checks of one folder; later ones use what earlier ones found.
class CheckpointCheck {
 public:
  explicit CheckpointCheck(std::string dir) : dir_(std::move(dir)) {}

  CheckResult configuration() {
    config_ = load_model_config(dir_);
    const LanguageConfig& language = config_->language;
    CheckResult result;
    result.found = std::to_string(language.num_layers) + " layers of " + std::to_string(language.hidden_size) + ", " +
                   std::to_string(language.num_heads) + " heads, " + (language.use_mla ? "MLA" : "MHA") + ", context " +
                   std::to_string(language.max_position_embeddings);
    if (language.num_routed_experts) {
      result.details.push_back("experts: " + std::to_string(language.num_experts_per_token) + " of " +
                               std::to_string(*language.num_routed_experts) + ", shared " +
                               std::to_string(language.num_shared_experts.value_or(0)));
    }
    const ProcessorConfig& processor = config_->processor;
    const bool own_file = fs::exists(fs::path(dir_) / "processor_config.json");
    result.details.push_back("images: tiles of " + std::to_string(processor.image_size) + " pixels, " +
                             std::to_string(processor.tile_tokens()) + " tokens a side, " +
                             std::to_string(processor.candidate_resolutions.size()) + " resolutions" +
                             (own_file ? "" : "; no processor_config.json, from config.json"));
    return result;
  }

  CheckResult files() {
    folder_ = SafetensorsFolder::open(dir_);
    CheckResult result;
    size_t bytes = 0;
    std::map<std::string_view, Tally> types;
    for (const SafetensorsFile& file : folder_->files()) {
      Tally tally;
      for (const StoredTensor& tensor : file.tensors()) {
        tally.add(tensor);
        types[stored_type_name(tensor.type)].add(tensor);
      }
      bytes += tally.num_bytes;
      result.details.push_back(tally_text(fs::path(file.path()).filename().string(), tally));
    }
    for (const auto& [type, tally] : types) result.details.push_back(tally_text("dtype " + std::string(type), tally));
    result.found = std::to_string(folder_->files().size()) + (folder_->files().size() == 1 ? " file, " : " files, ") +
                   scaled(static_cast<double>(bytes)) + "B";
    return result;
  }

  CheckResult tensors() {
    if (!config_ || !folder_) return skipped(!config_ ? "configuration" : "weight files");
    const std::vector<TensorSpec> expected = expected_tensors(*config_);
    const ProblemList problems = check_tensors(*folder_, expected);
    std::map<std::string, Tally> parts;
    Tally all;
    for (const TensorSpec& spec : expected) {
      const StoredTensor* tensor = folder_->find(spec.name).tensor;
      if (tensor == nullptr) continue;
      parts[part_of(spec.name)].add(*tensor);
      all.add(*tensor);
    }
    CheckResult result;
    result.holds = problems.empty();
    result.found = std::to_string(all.num_tensors) + " of " + std::to_string(expected.size()) + ", " +
                   scaled(static_cast<double>(all.num_parameters)) + " parameters";
    if (!result.holds) {
      result.details = problems.texts();
      return result;
    }
    for (const auto& [part, tally] : parts) result.details.push_back(tally_text(part, tally));
    return result;
  }

  CheckResult tokenizer() {
    tokenizer_ = load_tokenizer(dir_);
    const SpecialIds& ids = tokenizer_->special_ids();
    CheckResult result;
    result.found = std::to_string(tokenizer_->size()) + " tokens";
    result.details.push_back("bos " + std::to_string(ids.bos) + ", eos " + std::to_string(ids.eos) + ", pad " +
                             std::to_string(ids.pad) + ", <image> " + std::to_string(ids.image) + ", <|User|> " +
                             std::to_string(ids.user) + ", <|Assistant|> " + std::to_string(ids.assistant));
    std::string grounding;
    for (const char* token : {"<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>"}) {
      const std::optional<int32_t> id = tokenizer_->id_of(token);
      result.holds = result.holds && id.has_value();
      grounding += (grounding.empty() ? "" : ", ") + std::string(token) + " " + (id ? std::to_string(*id) : "is missing");
    }
    result.details.push_back(grounding);
    return result;
  }

  CheckResult vocabulary() const {
    if (!config_ || !tokenizer_) return skipped(!config_ ? "configuration" : "tokenizer");
    const int vocab_size = config_->language.vocab_size;
    CheckResult result;
    result.found = std::to_string(vocab_size) + " rows for " + std::to_string(tokenizer_->size()) + " tokens";
    result.holds = vocab_size >= tokenizer_->size();
    if (!result.holds) {
      result.details.push_back("language_config.vocab_size = " + std::to_string(vocab_size) +
                               "; allowed: at least the tokenizer's " + std::to_string(tokenizer_->size()));
    }
    return result;
  }

 private:
  static CheckResult skipped(const std::string& needed) { return {false, "skipped: needs the " + needed, {}}; }

  std::string dir_;
  std::optional<ModelConfig> config_;
  std::optional<SafetensorsFolder> folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Runs a check; what it throws about the checkpoint is its result.
CheckResult run(const std::function<CheckResult()>& check) {
  try {
    return check();
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kInternal) throw;
    return {false, "", lines_of(e.what())};
  }
}

}  // namespace

int verify_checkpoint(const std::string& dir) {
  CheckpointCheck check(dir);
  const std::vector<std::pair<const char*, std::function<CheckResult()>>> checks{
      {"configuration", [&check] { return check.configuration(); }},
      {"weight files", [&check] { return check.files(); }},
      {"tensors", [&check] { return check.tensors(); }},
      {"tokenizer", [&check] { return check.tokenizer(); }},
      {"vocabulary", [&check] { return check.vocabulary(); }}};
  int num_failed = 0;
  std::printf("checkpoint %s\n%-16s %-8s %s\n", dir.c_str(), "check", "result", "found");
  for (const auto& [name, body] : checks) {
    const CheckResult result = run(body);
    num_failed += result.holds ? 0 : 1;
    std::printf("%-16s %-8s %s\n", name, result.holds ? "ok" : "FAILED", result.found.c_str());
    for (const std::string& detail : result.details) std::printf("  %s\n", detail.c_str());
  }
  if (num_failed == 0) {
    std::printf("all %zu checks hold\n", checks.size());
  } else {
    std::printf("%d of %zu checks failed\n", num_failed, checks.size());
  }
  return num_failed == 0 ? 0 : 1;
}

}  // namespace spyhop
