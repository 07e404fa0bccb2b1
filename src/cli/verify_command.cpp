// `spyhop verify`: is this checkpoint sound, does this build compute what the reference computes.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/verify_checkpoint.h"
#include "cli/verify_golden.h"
#include "cli/verify_tokenizer.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

struct VerifyFlags {
  std::string checkpoint;
  std::string tokenizer;
  std::string tokenizer_cases;
  std::string compute = "f32";
  GoldenOptions golden;
};

constexpr const char* kFooter = R"(One of three things is verified:
  spyhop verify DIR                            a checkpoint: files, shapes, tokenizer ids
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
  of_golden(command.add_option("--compute", flags.compute, "f32: held to the reference's tolerances; bf16: to its own")
                ->check(CLI::IsMember({"f32", "bf16"}))
                ->capture_default_str());
  of_golden(command.add_option("--prefill-chunk", golden.prefill_chunk, "Tokens of a prompt computed per step")
                ->check(CLI::Range(1, 1 << 20))
                ->capture_default_str());
  of_golden(command.add_option("--threads", golden.num_threads, "Compute threads; 0 = physical cores")
                ->check(CLI::Range(0, 1024))
                ->capture_default_str());
  of_golden(
      command
          .add_option("--vocabulary", golden.vocabularies,
                      "TABLE DIR: the tokenizer for a table whose vocabulary is not in the set, such as tokenizer_full_v3")
          ->type_name("TABLE DIR"));
  of_golden(command.add_option("--json", golden.json_path, "Write the report to this file, too")->type_name("FILE"));
}

/// Throws CLI::ValidationError where not exactly one of the three forms is asked for.
void require_one_form(const VerifyFlags& flags) {
  const int forms = int{!flags.checkpoint.empty()} + int{!flags.golden.set.empty()} + int{!flags.tokenizer.empty()};
  if (forms != 1) {
    throw CLI::ValidationError("verify", forms == 0
                                             ? "nothing to verify: give a checkpoint's DIR, --golden SET or --tokenizer DIR"
                                             : "give only one of DIR, --golden SET and --tokenizer DIR");
  }
}

int verify(const VerifyFlags& flags) {
  require_one_form(flags);
  if (!flags.golden.set.empty()) {
    GoldenOptions golden = flags.golden;
    golden.compute = flags.compute == "bf16" ? ComputeType::kBf16 : ComputeType::kF32;
    return verify_golden(golden);
  }
  if (!flags.tokenizer.empty()) return verify_tokenizer(flags.tokenizer, flags.tokenizer_cases);
  return verify_checkpoint(flags.checkpoint);
}

}  // namespace

void add_verify_command(CLI::App& app) {
  const auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = app.add_subcommand("verify", "Check a checkpoint, a tokenizer, or this build against a golden set");
  command->footer(kFooter);
  command->add_option("DIR", flags->checkpoint, "Folder of a checkpoint");
  auto* tokenizer = command->add_option("--tokenizer", flags->tokenizer, "Folder of a tokenizer")->type_name("DIR");
  auto* cases = command->add_option("--cases", flags->tokenizer_cases, "Folder of conformance files")->type_name("FOLDER");
  tokenizer->needs(cases);
  cases->needs(tokenizer);
  add_golden_options(*command, *flags);
  command->callback([flags] {
    const int status = verify(*flags);
    if (status != 0) throw CLI::RuntimeError(status);
  });
}

}  // namespace spyhop
