// `spyhop quantize`: a checkpoint written again, smaller.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/progress.h"
#include "common/log.h"
#include "runtime/quantize_checkpoint.h"

namespace spyhop {
namespace {

constexpr double kGibibyte = 1024.0 * 1024 * 1024;

constexpr const char* kFooter = R"(OUT is served like any other checkpoint: spyhop launch --model-path OUT
Its weights are used where they lie in the file, so it starts at once. The same precision without a file of its own:
spyhop launch --model-path IN --quantization int4)";

void quantize(const QuantizeOptions& options) {
  const QuantizeResult result = quantize_checkpoint(options, show_progress);
  std::printf("%s: %.2f GiB of weights became %.2f GiB\n", options.to.c_str(),
              static_cast<double>(result.bytes_before) / kGibibyte, static_cast<double>(result.bytes_after) / kGibibyte);
}

}  // namespace

void add_quantize_command(CLI::App& app) {
  static const std::map<std::string, Quantization> kFormats{{"int8", Quantization::kInt8}, {"int4", Quantization::kInt4}};
  const auto options = std::make_shared<QuantizeOptions>();
  CLI::App* command = app.add_subcommand("quantize", "Write a checkpoint with its matrices in 8 or 4 bits");
  command->footer(kFooter);
  command->add_option("IN", options->from, "Folder of the checkpoint")->required()->check(CLI::ExistingDirectory);
  command->add_option("OUT", options->to, "Folder to write, new or empty")->required();
  command->add_option("--to", options->quantization, "int8 or int4")
      ->required()
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case));
  command->add_option("--threads", options->num_threads, "Threads; 0 = physical cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->callback([options] {
    set_up_log("warn");
    quantize(*options);
  });
}

}  // namespace spyhop
