#include "cli/verify_against.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "cli/forced_run.h"
#include "cli/option_tools.h"
#include "common/file.h"
#include "prompt/chat_template.h"
#include "registry/model_config.h"
#include "runtime/quantization.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxPromptsBytes = size_t{16} << 20;

/// A model with its configuration.
struct Candidate {
  ModelVariantChoice choice;
  ModelConfig config;

  explicit Candidate(ModelVariantChoice of) : choice(std::move(of)), config(load_model_config(choice.dir)) {}

  RuntimeConfig runtime() const {
    RuntimeConfig runtime;
    runtime.compute = choice.compute;
    runtime.quantization = choice.quantization;
    return runtime;
  }

  std::string text() const {
    const std::string quantization = quantization_name(resolve_quantization(config, runtime()));
    return fmt::format("{}, quantization {}, {}", choice.dir, quantization,
                       choice.compute == ComputeType::kF32 ? "f32" : "bf16");
  }
};

std::vector<std::string> read_prompts(const std::string& path) {
  if (path.empty()) return comparison_prompts();
  std::istringstream lines(read_text_file(path, kMaxPromptsBytes, ErrorCode::kInvalidRequest));
  std::vector<std::string> prompts;
  for (std::string line; std::getline(lines, line);) {
    if (!strip(line).empty()) prompts.push_back(line);
  }
  if (prompts.empty()) throw Error(ErrorCode::kInvalidRequest, path + ": no prompts; allowed: one or more lines", "prompts");
  return prompts;
}

/// Each prompt as a question that the model is to answer.
std::vector<ForcedSequence> encode_prompts(const AgainstOptions& options, const Tokenizer& tokenizer, int max_context) {
  std::vector<ForcedSequence> sequences;
  for (const std::string& prompt : read_prompts(options.prompts_path)) {
    const TemplateMessage question{Role::kUser, {prompt}};
    ForcedSequence sequence;
    sequence.token_ids = encode_conversation({question}, {}, tokenizer, SpecialTokens::kGrounding).token_ids;
    sequence.num_prompt_tokens = sequence.token_ids.size();
    const size_t length = sequence.num_prompt_tokens + static_cast<size_t>(options.answer_tokens);
    if (length > static_cast<size_t>(max_context)) {
      throw Error(ErrorCode::kInvalidRequest,
                  fmt::format("prompt {} has {} tokens, {} more are for its answer; allowed: {} together", sequences.size() + 1,
                              sequence.num_prompt_tokens, options.answer_tokens, max_context),
                  "prompts");
    }
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

size_t num_tokens_of(const std::vector<ForcedSequence>& sequences) {
  size_t sum = 0;
  for (const ForcedSequence& sequence : sequences) sum += sequence.token_ids.size();
  return sum;
}

std::unique_ptr<Runner> load(const Candidate& candidate, const AgainstOptions& options, size_t longest) {
  RuntimeConfig runtime = candidate.runtime();
  runtime.num_threads = options.num_threads;
  runtime.kv_cache_tokens = static_cast<int64_t>(longest);
  std::fprintf(stderr, "loading %s\n", candidate.text().c_str());
  return make_runner(candidate.choice.dir, candidate.config, runtime);
}

/// What the reference predicted after some of the positions, numbered through all sequences.
class KeptLogits {
 public:
  /// Keeps every so many positions that `max_bytes` hold them.
  KeptLogits(size_t num_positions, size_t vocab_size, int64_t max_bytes)
      : vocab_size_(vocab_size), stride_(stride_for(num_positions, vocab_size, max_bytes)) {}

  bool wants(size_t index) const { return index % stride_ == 0; }
  void keep(const float* logits) { rows_.emplace_back(logits, logits + vocab_size_); }
  const float* row(size_t index) const { return rows_[index / stride_].data(); }
  size_t vocab_size() const { return vocab_size_; }

 private:
  static size_t stride_for(size_t num_positions, size_t vocab_size, int64_t max_bytes) {
    const size_t held = std::max<size_t>(1, static_cast<size_t>(max_bytes) / (vocab_size * sizeof(float)));
    return std::max<size_t>(1, (num_positions + held - 1) / held);
  }

  size_t vocab_size_;
  size_t stride_;
  std::vector<std::vector<float>> rows_;
};

using IndexedConsumer = std::function<void(size_t index, const ForcedSequence& sequence, size_t position, const float* logits)>;

/// All positions of all sequences, numbered through.
void for_each_index(Runner& runner, const std::vector<ForcedSequence>& sequences, const IndexedConsumer& consumer) {
  size_t index = 0;
  for (const ForcedSequence& sequence : sequences) {
    for_each_position(runner, sequence,
                      [&](size_t position, const float* logits) { consumer(index++, sequence, position, logits); });
  }
}

KeptLogits keep_logits(Runner& runner, const std::vector<ForcedSequence>& sequences, int64_t max_bytes) {
  const auto vocab_size = static_cast<size_t>(runner.config().language.vocab_size);
  KeptLogits kept(num_tokens_of(sequences), vocab_size, max_bytes);
  for_each_index(runner, sequences, [&kept](size_t index, const ForcedSequence&, size_t, const float* logits) {
    if (kept.wants(index)) kept.keep(logits);
  });
  return kept;
}

std::vector<PositionDivergence> measure(Runner& runner, const std::vector<ForcedSequence>& sequences, const KeptLogits& kept) {
  std::vector<PositionDivergence> positions;
  for_each_index(runner, sequences, [&](size_t index, const ForcedSequence& sequence, size_t position, const float* logits) {
    if (!kept.wants(index)) return;
    const float* const expected = kept.row(index);
    const size_t width = kept.vocab_size();
    positions.push_back({static_cast<int>(position), position + 1 >= sequence.num_prompt_tokens,
                         kl_divergence(expected, logits, width), greedy_token(expected, width) == greedy_token(logits, width)});
  });
  return positions;
}

std::vector<DivergenceGroup> group(const std::vector<PositionDivergence>& positions) {
  struct Rule {
    const char* name;
    std::function<bool(const PositionDivergence&)> holds;
  };
  const auto between = [](int begin, int end) {
    return [begin, end](const PositionDivergence& p) { return p.position >= begin && p.position < end; };
  };
  const std::vector<Rule> rules = {
      {"all", [](const PositionDivergence&) { return true; }},
      {"questions", [](const PositionDivergence& p) { return !p.in_answer; }},
      {"answers", [](const PositionDivergence& p) { return p.in_answer; }},
      {"position 0-15", between(0, 16)},
      {"position 16-63", between(16, 64)},
      {"position 64-255", between(64, 256)},
      {"position 256-1023", between(256, 1024)},
      {"position 1024 on", between(1024, 1 << 30)},
  };
  std::vector<DivergenceGroup> groups;
  for (const Rule& rule : rules) {
    std::vector<PositionDivergence> chosen;
    std::copy_if(positions.begin(), positions.end(), std::back_inserter(chosen), rule.holds);
    if (!chosen.empty()) groups.push_back({rule.name, summarize_divergence(chosen)});
  }
  return groups;
}

void check_limits(const AgainstOptions& options, AgainstReport& report) {
  const DivergenceSummary& all = report.groups.front().summary;
  if (options.max_kl && !(all.mean_kl <= *options.max_kl)) {
    report.violations.push_back(
        fmt::format("the mean KL divergence is {:.6f}; allowed: {} or less", all.mean_kl, *options.max_kl));
  }
  if (options.min_agreement && all.agreement < *options.min_agreement) {
    report.violations.push_back(
        fmt::format("the share of equal greedy tokens is {:.4f}; allowed: {} or more", all.agreement, *options.min_agreement));
  }
}

void require_comparable(const Candidate& model, const Candidate& reference) {
  const int ours = model.config.language.vocab_size;
  const int theirs = reference.config.language.vocab_size;
  if (ours == theirs) return;
  throw Error(ErrorCode::kInvalidRequest,
              fmt::format("{} has a vocabulary of {} tokens, {} one of {}: their distributions cannot be compared",
                          model.choice.dir, ours, reference.choice.dir, theirs),
              "against");
}

/// A quantized checkpoint does not hold its original.
void require_plain(const Candidate& model, const std::string& against) {
  if (model.config.quantization == Quantization::kNone) return;
  throw Error(ErrorCode::kInvalidRequest,
              fmt::format("--against is {}, but {} is quantized itself; allowed: the folder of its original", against,
                          model.choice.dir),
              "against");
}

}  // namespace

ModelVariantChoice reference_of(const AgainstOptions& options) {
  const auto named = quantization_values().find(options.against);
  if (named != quantization_values().end()) return {options.model_path, named->second, options.compute};
  if (options.against == "bf16") return {options.model_path, Quantization::kNone, ComputeType::kBf16};
  if (options.against == "f32") return {options.model_path, Quantization::kNone, ComputeType::kF32};
  if (std::filesystem::is_directory(options.against)) return {options.against, Quantization::kNone, options.compute};
  throw Error(ErrorCode::kInvalidRequest,
              "--against is \"" + options.against +
                  "\"; allowed: none, int8, int4, bf16 or f32 for the same checkpoint, or the folder of another one",
              "against");
}

AgainstReport compare_models(const AgainstOptions& options) {
  const Candidate model({options.model_path, options.quantization, options.compute});
  const Candidate reference(reference_of(options));
  if (reference.choice.dir == model.choice.dir) require_plain(model, options.against);
  require_comparable(model, reference);
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(model.choice.dir);
  std::vector<ForcedSequence> sequences = encode_prompts(options, *tokenizer, model.config.language.max_position_embeddings);
  size_t longest = 0;
  for (const ForcedSequence& sequence : sequences) longest = std::max(longest, sequence.num_prompt_tokens);
  longest += static_cast<size_t>(options.answer_tokens);

  const KeptLogits kept = [&] {
    const std::unique_ptr<Runner> runner = load(reference, options, longest);
    for (ForcedSequence& sequence : sequences) {
      append_greedy_answer(*runner, sequence, options.answer_tokens, tokenizer->special_ids().eos);
    }
    return keep_logits(*runner, sequences, options.logits_bytes);
  }();

  AgainstReport report;
  report.model = model.text();
  report.reference = reference.text();
  report.num_prompts = sequences.size();
  report.num_positions = num_tokens_of(sequences);
  report.groups = group(measure(*load(model, options, longest), sequences, kept));
  check_limits(options, report);
  return report;
}

std::string report_text(const AgainstReport& report) {
  std::string text = fmt::format("model:     {}\nreference: {}\n{} prompts, {} positions\n\n", report.model, report.reference,
                                 report.num_prompts, report.num_positions);
  text += fmt::format("{:<18} {:>10} {:>11} {:>11} {:>11} {:>11} {:>14}\n", "KL divergence", "positions", "mean", "median",
                      "99 %", "max", "equal greedy");
  for (const DivergenceGroup& each : report.groups) {
    const DivergenceSummary& s = each.summary;
    text += fmt::format("{:<18} {:>10} {:>11.6f} {:>11.6f} {:>11.6f} {:>11.6f} {:>12.2f} %\n", each.name, s.count, s.mean_kl,
                        s.median_kl, s.p99_kl, s.max_kl, s.agreement * 100);
  }
  for (const std::string& violation : report.violations) text += "\nFAILED: " + violation;
  return report.holds() ? text : text + "\n";
}

nlohmann::json to_json(const AgainstReport& report) {
  nlohmann::json groups = nlohmann::json::array();
  for (const DivergenceGroup& each : report.groups) {
    const DivergenceSummary& s = each.summary;
    groups.push_back({{"name", each.name},
                      {"positions", s.count},
                      {"mean_kl", s.mean_kl},
                      {"median_kl", s.median_kl},
                      {"p99_kl", s.p99_kl},
                      {"max_kl", s.max_kl},
                      {"agreement", s.agreement}});
  }
  return {{"model", report.model},         {"reference", report.reference},
          {"prompts", report.num_prompts}, {"positions", report.num_positions},
          {"groups", std::move(groups)},   {"violations", report.violations},
          {"holds", report.holds()}};
}

int verify_against(const AgainstOptions& options) {
  const AgainstReport report = compare_models(options);
  std::fputs(report_text(report).c_str(), stdout);
  if (!options.json_path.empty()) {
    std::ofstream file(options.json_path);
    file << to_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    file.flush();
    if (!file) throw Error(ErrorCode::kInvalidRequest, "--json " + options.json_path + ": cannot be written", "json");
  }
  return report.holds() ? 0 : 1;
}

}  // namespace spyhop
