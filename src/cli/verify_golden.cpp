#include "cli/verify_golden.h"

#include <ATen/ops/tensor.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/verify_golden_compare.h"
#include "cli/verify_golden_model.h"
#include "cli/verify_golden_prompt.h"
#include "cli/verify_golden_set.h"
#include "cli/verify_golden_tables.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kAnswerRoom = 512;  // tokens of the cache behind the longest prompt

/// As far as the reference itself goes: Pillow refuses images of more pixels.
ImageLimits reference_limits() {
  ImageLimits limits;
  limits.max_bytes = size_t{1} << 30;
  limits.max_side = 1 << 20;
  limits.max_pixels = 178'956'970;
  return limits;
}

/// An exception's message on one line, without the stack that libtorch's carry.
std::string message_of(const std::exception& e) {
  constexpr size_t kLongest = 400;
  std::string text = e.what();
  if (dynamic_cast<const Error*>(&e) == nullptr) text.resize(std::min(text.size(), text.find('\n')));
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

bool wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

/// Throws for a name in `names` that is not `existing`.
void require_known(const char* flag, const std::vector<std::string>& names, const std::vector<std::string>& existing) {
  for (const std::string& name : names) {
    if (std::find(existing.begin(), existing.end(), name) != existing.end()) continue;
    throw Error(ErrorCode::kInvalidRequest,
                fmt::format("{} {}: not in the set; it has: {}", flag, name, fmt::join(existing, ", ")), flag);
  }
}

void require_known_names(const GoldenSet& set, const GoldenOptions& options) {
  std::vector<std::string> families;
  std::vector<std::string> cases;
  for (const GoldenFamily& family : set.families) {
    families.push_back(family.name);
    if (!wanted(options.families, family.name)) continue;
    for (const GoldenCaseEntry& entry : family.cases) {
      if (std::find(cases.begin(), cases.end(), entry.name) == cases.end()) cases.push_back(entry.name);
    }
  }
  require_known("--family", options.families, families);
  require_known("--case", options.cases, cases);
}

RuntimeConfig runtime_config(const GoldenFamily& family, const GoldenOptions& options) {
  RuntimeConfig runtime;
  runtime.compute = options.compute;
  runtime.num_threads = options.num_threads;
  const auto no_length = [](const GoldenCaseEntry& entry) { return entry.num_tokens == 0; };
  // Without the lengths the runtime's default has to do: two full contexts.
  if (std::any_of(family.cases.begin(), family.cases.end(), no_length)) return runtime;
  for (const GoldenCaseEntry& entry : family.cases) {
    runtime.kv_cache_tokens = std::max(runtime.kv_cache_tokens, int64_t{entry.num_tokens} + kAnswerRoom);
  }
  return runtime;
}

/// The model's input from the checked prompt.
GoldenRunInput run_input(const GoldenCase& golden, GoldenPrompt prompt, const ProcessorConfig& processor, int prefill_chunk) {
  GoldenRunInput input;
  input.token_ids = std::move(prompt.token_ids);
  input.max_new_tokens = static_cast<int>(golden.answer.greedy.size());
  input.prefill_chunk = prefill_chunk;
  for (const GoldenPromptImage& image : prompt.images) {
    const int64_t side = processor.image_size;
    const at::Tensor pixels = at::tensor(image.pixels).reshape({-1, 3, side, side});
    input.images.push_back({image.grid, image.first_token, pixels});
  }
  return input;
}

/// One family: its checkpoint, and its cases one after the other.
class FamilyRun {
 public:
  FamilyRun(const GoldenSet& set, const GoldenFamily& family, const GoldenOptions& options)
      : set_(set), family_(family), options_(options), dir_(set.path(family.checkpoint)) {}

  /// Throws Error for a checkpoint whose configuration or tokenizer cannot be read.
  GoldenFamilyParts load_parts() const { return {family_.name, load_model_config(dir_), load_tokenizer(dir_)}; }

  std::vector<CaseReport> run_cases(const GoldenFamilyParts& parts) {
    std::vector<CaseReport> reports;
    for (const GoldenCaseEntry& entry : family_.cases) {
      if (!wanted(options_.cases, entry.name)) continue;
      reports.push_back(run_case(entry, parts));
      print_line(table_row(reports.back()));
      std::fputs(note_lines(reports.back()).c_str(), stdout);
    }
    return reports;
  }

 private:
  CaseReport run_case(const GoldenCaseEntry& entry, const GoldenFamilyParts& parts) {
    CaseReport report(family_.name, entry.name);
    const auto start = std::chrono::steady_clock::now();
    Column at = Column::kIds;
    try {
      const GoldenCase golden = read_golden_case(set_, family_, entry);
      GoldenPrompt prompt = check_prompt(golden, {set_, *parts.tokenizer, parts.config.processor, reference_limits()}, report);
      at = Column::kLogits;
      run_model(golden, std::move(prompt), parts, report);
    } catch (const std::exception& e) {
      report.add(at, failed("exception", message_of(e)));
    }
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return report;
  }

  void run_model(const GoldenCase& golden, GoldenPrompt prompt, const GoldenFamilyParts& parts, CaseReport& report) {
    const bool incomplete = !prompt.missing_image.empty();
    if (incomplete || golden.tensors.empty()) {
      const std::string reason = incomplete ? prompt.missing_image + " is not in the set" : "no tensors are recorded";
      for (Column column : {Column::kVision, Column::kLayers, Column::kExperts, Column::kLogits}) {
        report.add(column, not_run("model", reason));
      }
    }
    if (incomplete) return;
    if (!runner_) runner_ = make_runner(dir_, parts.config, runtime_config(family_, options_));
    check_model(golden, run_input(golden, std::move(prompt), parts.config.processor, options_.prefill_chunk),
                {*runner_, options_.compute}, report);
  }

  const GoldenSet& set_;
  const GoldenFamily& family_;
  const GoldenOptions& options_;
  std::string dir_;
  std::unique_ptr<Runner> runner_;  // loaded with the first case that needs it
};

void add_table(GoldenReport& report, Check check) {
  print_line(check_row(check));
  report.tables.push_back(std::move(check));
}

/// The families' cases; returns what the tables need of their checkpoints.
std::vector<GoldenFamilyParts> run_families(const GoldenSet& set, const GoldenOptions& options, GoldenReport& report) {
  std::vector<GoldenFamilyParts> all_parts;
  for (const GoldenFamily& family : set.families) {
    if (!wanted(options.families, family.name)) continue;
    try {
      FamilyRun run(set, family, options);
      all_parts.push_back(run.load_parts());
      for (CaseReport& each : run.run_cases(all_parts.back())) report.cases.push_back(std::move(each));
    } catch (const std::exception& e) {
      add_table(report, failed("checkpoint " + family.name, message_of(e)));
    }
  }
  return all_parts;
}

Check checkpoint_check(const GoldenSet& set, const GoldenFamilyParts& parts) {
  const auto family =
      std::find_if(set.families.begin(), set.families.end(), [&](const GoldenFamily& each) { return each.name == parts.name; });
  try {
    return check_checkpoint_files(set, *family, parts);
  } catch (const std::exception& e) {
    return failed("checkpoint " + parts.name, e.what());
  }
}

void write_json(const GoldenReport& report, const std::string& path) {
  std::ofstream file(path);
  file << to_json(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  file.flush();
  if (!file) throw Error(ErrorCode::kInvalidRequest, "--json " + path + ": cannot be written", "--json");
}

}  // namespace

GoldenReport run_golden_set(const GoldenOptions& options) {
  const GoldenSet set = read_golden_set(options.set);
  require_known_names(set, options);
  GoldenReport report;
  report.set = options.set;
  report.compute = options.compute == ComputeType::kF32 ? "f32" : "bf16";
  print_line(table_header());
  const std::vector<GoldenFamilyParts> parts = run_families(set, options, report);
  if (!options.cases.empty()) return report;

  print_line("\n" + check_header());
  for (const GoldenFamilyParts& family : parts) add_table(report, checkpoint_check(set, family));
  add_table(report, check_image_files(set));
  for (Check& check : check_tables({set, parts, options.vocabularies, reference_limits()})) add_table(report, std::move(check));
  return report;
}

int verify_golden(const GoldenOptions& options) {
  const GoldenReport report = run_golden_set(options);
  print_line("\n" + summary_line(report));
  if (!options.json_path.empty()) write_json(report, options.json_path);
  return report.holds() ? 0 : 1;
}

}  // namespace spyhop
