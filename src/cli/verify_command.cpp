// `spyhop verify`: is this checkpoint sound, does this build compute what the reference computes.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/option_tools.h"
#include "cli/verify_against.h"
#include "cli/verify_checkpoint.h"
#include "cli/verify_golden.h"
#include "cli/verify_tokenizer.h"
#include "common/byte_size.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

struct VerifyFlags {
  std::string checkpoint;
  std::string tokenizer;
  std::string tokenizer_cases;
  std::string compute;  // empty = by form
  int num_threads = 0;
  std::string json_path;
  std::string logits_memory = "2GiB";
  GoldenOptions golden;
  AgainstOptions against;
};

constexpr const char* kFooter = R"(One of four things is verified:
  spyhop verify DIR                            a checkpoint: files, shapes, tokenizer ids
  spyhop verify DIR --quantization Q --against none
                                               a quantized model's predictions against those of the original
  spyhop verify --golden SET                   every case and table of a golden set (a folder with manifest.json)
  spyhop verify --tokenizer DIR --cases FOLDER a tokenizer on recorded conformance files

The exit status is 0 only if everything that was checked holds.)";

void add_golden_options(CLI::App& command, VerifyFlags& flags) {
  GoldenOptions& golden = flags.golden;
  auto* set = command.add_option("--golden", golden.set, "Folder of a golden set")->type_name("SET");
  const auto of_golden = [&](CLI::Option* option) { option->needs(set)->group("With --golden"); };
  of_golden(
      command.add_option("--family", golden.families, "Only this family; may be repeated (default: all)")->type_name("NAME"));
  of_golden(command.add_option("--case", golden.cases, "Only this case, and no tables; may be repeated (default: all)")
                ->type_name("NAME"));
  of_golden(command.add_option("--prefill-chunk", golden.prefill_chunk, "Tokens of a prompt computed per step")
                ->check(CLI::Range(1, 1 << 20))
                ->capture_default_str());
  of_golden(
      command
          .add_option("--vocabulary", golden.vocabularies,
                      "TABLE DIR: the tokenizer for a table whose vocabulary is not in the set, such as tokenizer_full_v3")
          ->type_name("TABLE DIR"));
}

void add_against_options(CLI::App& command, VerifyFlags& flags) {
  AgainstOptions& against = flags.against;
  auto* reference =
      command.add_option("--against", against.against,
                         "Compare predictions with this: none, int8, int4, bf16 or f32 of the same checkpoint, or "
                         "another one's folder");
  reference->type_name("WHAT");
  const auto of_against = [&](CLI::Option* option) { option->needs(reference)->group("With --against"); };
  of_against(command.add_option("-q,--quantization", against.quantization, "Of the model: none, int8 or int4 (default: none)")
                 ->transform(CLI::CheckedTransformer(quantization_values(), CLI::ignore_case)));
  of_against(command.add_option("--prompts", against.prompts_path, "A question in each line (default: built-in ones)")
                 ->type_name("FILE"));
  of_against(command.add_option("--answer-tokens", against.answer_tokens, "Of the reference's answer to each; compared, too")
                 ->check(CLI::Range(0, 1 << 20))
                 ->capture_default_str());
  of_against(command.add_option("--max-kl", against.max_kl, "Fail where the mean KL divergence is larger")
                 ->check(CLI::NonNegativeNumber));
  of_against(command.add_option("--min-agreement", against.min_agreement, "Fail where fewer greedy tokens are equal, 0 to 1")
                 ->check(CLI::Range(0.0, 1.0)));
  auto* memory = command.add_option("--logits-memory", flags.logits_memory,
                                    "For the reference's logits; positions are left out "
                                    "where they would take more");
  of_against(memory->check(byte_size())->capture_default_str());
}

/// Of two forms.
void add_shared_options(CLI::App& command, VerifyFlags& flags) {
  const std::string group = "With --golden or --against";
  command
      .add_option(
          "--compute", flags.compute,
          "f32 or bf16; a golden set in f32 is held to the reference's tolerances, in bf16 to its own (default: f32 with "
          "--golden, bf16 with --against)")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->group(group);
  command.add_option("--threads", flags.num_threads, "Compute threads; 0 = physical cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  command.add_option("--json", flags.json_path, "Write the report to this file, too")->type_name("FILE")->group(group);
}

/// Throws CLI::ValidationError where not exactly one of the four forms is asked for.
void require_one_form(const VerifyFlags& flags) {
  const int forms = int{!flags.checkpoint.empty()} + int{!flags.golden.set.empty()} + int{!flags.tokenizer.empty()};
  if (forms != 1) {
    throw CLI::ValidationError("verify", forms == 0
                                             ? "nothing to verify: give a checkpoint's DIR, --golden SET or --tokenizer DIR"
                                             : "give only one of DIR, --golden SET and --tokenizer DIR");
  }
  const bool compares = !flags.against.against.empty();
  if (compares && flags.checkpoint.empty()) {
    throw CLI::ValidationError("--against", "compares a checkpoint's predictions: give its DIR");
  }
  const bool has_shared = !flags.compute.empty() || flags.num_threads != 0 || !flags.json_path.empty();
  if (has_shared && !compares && flags.golden.set.empty()) {
    throw CLI::ValidationError("verify", "--compute, --threads and --json are for --golden and --against");
  }
}

int run_golden(const VerifyFlags& flags) {
  GoldenOptions golden = flags.golden;
  golden.compute = flags.compute == "bf16" ? ComputeType::kBf16 : ComputeType::kF32;
  golden.num_threads = flags.num_threads;
  golden.json_path = flags.json_path;
  return verify_golden(golden);
}

int run_against(const VerifyFlags& flags) {
  AgainstOptions against = flags.against;
  against.model_path = flags.checkpoint;
  against.compute = flags.compute == "f32" ? ComputeType::kF32 : ComputeType::kBf16;
  against.num_threads = flags.num_threads;
  against.json_path = flags.json_path;
  against.logits_bytes = parse_byte_size(flags.logits_memory);
  return verify_against(against);
}

int verify(const VerifyFlags& flags) {
  require_one_form(flags);
  if (!flags.golden.set.empty()) return run_golden(flags);
  if (!flags.tokenizer.empty()) return verify_tokenizer(flags.tokenizer, flags.tokenizer_cases);
  return flags.against.against.empty() ? verify_checkpoint(flags.checkpoint) : run_against(flags);
}

}  // namespace

void add_verify_command(CLI::App& app) {
  const auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command =
      app.add_subcommand("verify", "Check a checkpoint, its predictions, a tokenizer, or this build against a golden set");
  command->footer(kFooter);
  command->add_option("DIR,--model-path", flags->checkpoint, "Folder of a checkpoint");
  auto* tokenizer = command->add_option("--tokenizer", flags->tokenizer, "Folder of a tokenizer")->type_name("DIR");
  auto* cases = command->add_option("--cases", flags->tokenizer_cases, "Folder of conformance files")->type_name("FOLDER");
  tokenizer->needs(cases);
  cases->needs(tokenizer);
  add_golden_options(*command, *flags);
  add_against_options(*command, *flags);
  add_shared_options(*command, *flags);
  command->callback([flags] {
    const int status = verify(*flags);
    if (status != 0) throw CLI::RuntimeError(status);
  });
}

}  // namespace spyhop
