#include "cli/xinference_flags.h"

#include <CLI/CLI.hpp>

#include "cli/option_tools.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr const char* kGroup = "xinference";

struct OddFlag {
  const char* name;
  const char* reason;
};

constexpr OddFlag kRefused[] = {
    {"--lora-modules", "adapters are not loaded; merge them into the weights and `spyhop register` these"},
    {"--image-lora-load-kwargs", "adapters of image generators have no place in this family"},
    {"--image-lora-fuse-kwargs", "adapters of image generators have no place in this family"},
    {"--quantization-config", "bitsandbytes is not used; give --quantization int8 or int4"},
    {"--gpu-idx", "--device chooses what computes"},
    {"--env", "variables belong to the whole server; start it with them"},
};

constexpr OddFlag kIgnored[] = {
    {"--worker-ip", "there is one worker, the server itself"},
    {"--trust-remote-code", "no code of a checkpoint is ever run"},
    {"--enable-thinking", "the model has no thinking mode"},
    {"--enable-virtual-env", "there is no Python to make an environment for"},
    {"--disable-virtual-env", "there is no Python to make an environment for"},
    {"--virtual-env-package", "there is no Python to make an environment for"},
    {"--virtual-env-find-link", "there is no Python to make an environment for"},
};

void plain(CLI::Option* option) {
  option->configurable(false)->group(kGroup);
}

}  // namespace

void declare_xinference_flags(CLI::App& command, XinferenceFlags& flags) {
  plain(command.add_option("-t,--model-type", flags.model_type, "Type of the model; the only one")
            ->transform(one_of({"LLM"}, "model type"))
            ->capture_default_str());
  plain(command.add_option("-r,--replica", flags.replica, "Replicas: always one")->check(CLI::Range(1, 1)));
  plain(command.add_option("--n-worker", flags.n_worker, "Workers: always one")->check(CLI::Range(1, 1)));
  plain(command.add_option("--n-gpu", flags.n_gpu, "auto or none; --device chooses what computes")
            ->transform(one_of({"auto", "none", "0"}, "n-gpu")));
  plain(command.add_option("--lora-modules", flags.refused_pairs, "Refused: adapters are not loaded; -lm is the same"));
  plain(command.add_option("--image-lora-load-kwargs", flags.refused_pairs, "Refused: for image generators"));
  plain(command.add_option("--image-lora-fuse-kwargs", flags.refused_pairs, "Refused: for image generators"));
  plain(command.add_option("--quantization-config", flags.refused_pairs, "Refused: see --quantization; -qc is the same"));
  plain(command.add_option("--gpu-idx", flags.refused_text, "Refused: see --device"));
  plain(command.add_option("--env", flags.refused_pairs, "Refused: start the server with them; -ev is the same"));
  plain(command.add_option("--worker-ip", flags.ignored_text, "Ignored: there is one worker"));
  plain(
      command.add_option("--trust-remote-code", flags.ignored_text, "Ignored: no code of a checkpoint is run")->expected(0, 1));
  plain(command.add_option("--enable-thinking", flags.ignored_text, "Ignored: the model has no thinking mode")->expected(0, 1));
  plain(command.add_flag("--enable-virtual-env", flags.ignored_switch, "Ignored: there is no Python"));
  plain(command.add_flag("--disable-virtual-env", flags.ignored_switch, "Ignored: there is no Python"));
  plain(command.add_option("--virtual-env-package", flags.ignored_texts, "Ignored: there is no Python; -vp is the same"));
  plain(command.add_option("--virtual-env-find-link", flags.ignored_texts, "Ignored: there is no Python"));
}

std::vector<std::string> check_xinference_flags(const CLI::App& command, const XinferenceFlags&) {
  for (const OddFlag& flag : kRefused) {
    if (command.count(flag.name) == 0) continue;
    throw Error(ErrorCode::kUnsupported, std::string(flag.name) + " cannot be honoured: " + flag.reason, flag.name + 2);
  }
  std::vector<std::string> notes;
  for (const OddFlag& flag : kIgnored) {
    if (command.count(flag.name) > 0) notes.push_back(std::string(flag.name) + " is ignored: " + flag.reason);
  }
  return notes;
}

}  // namespace spyhop
