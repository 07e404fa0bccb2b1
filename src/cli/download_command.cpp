// `spyhop download`: a model's files into the cache of its hub, without launching it.
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/model_source.h"
#include "cli/option_tools.h"
#include "common/byte_size.h"
#include "common/log.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct DownloadFlags {
  std::string model_name;
  ModelChoice choice;
  ModelSourceFlags source;
  bool is_dry_run = false;
  bool prints_json = false;
};

ordered_json to_json(const FetchPlan& plan) {
  ordered_json files = ordered_json::array();
  for (const PlannedFile& planned : plan.files) {
    files.push_back({{"file", planned.file.path}, {"bytes", planned.file.size}, {"cached", planned.is_cached}});
  }
  return {{"hub", plan.hub},
          {"model_id", plan.model_id},
          {"revision", plan.revision},
          {"commit", plan.commit},
          {"cache", plan.location},
          {"total_bytes", plan.total_bytes()},
          {"missing_bytes", plan.missing_bytes()},
          {"files", files}};
}

std::string to_table(const FetchPlan& plan) {
  std::string text =
      fmt::format("{} {}, revision {}{}\n\n{:>14}  {:<7} file\n", plan.hub, plan.model_id, plan.revision,
                  plan.commit.empty() || plan.commit == plan.revision ? "" : " = " + plan.commit, "bytes", "cached");
  for (const PlannedFile& planned : plan.files) {
    text += fmt::format("{:>14}  {:<7} {}\n", planned.file.size, planned.is_cached ? "yes" : "no", planned.file.path);
  }
  return text + fmt::format("\n{} files, {} bytes ({}), of which {} bytes ({}) are to be fetched into {}\n", plan.files.size(),
                            plan.total_bytes(), byte_size_text(plan.total_bytes()), plan.missing_bytes(),
                            byte_size_text(plan.missing_bytes()), plan.location);
}

void print(const DownloadFlags& flags, const ordered_json& json, const std::string& text) {
  std::fputs(flags.prints_json ? (json.dump(2) + "\n").c_str() : text.c_str(), stdout);
}

void run(const DownloadFlags& flags) {
  const ModelSource source = find_model_source(flags.model_name, flags.choice, flags.source);
  if (!source.path.empty()) return print(flags, {{"folder", source.path}, {"fetched_bytes", 0}}, source.path + "\n");
  const FetchOptions options = visible_fetch(source);
  if (flags.is_dry_run) {
    const FetchPlan plan = plan_model(source.request, options);
    return print(flags, to_json(plan), to_table(plan));
  }
  const FetchedModel model = fetch_model(source.request, options);
  print(flags,
        {{"hub", model.hub},
         {"model_id", model.model_id},
         {"revision", model.revision},
         {"fetched_bytes", model.fetched_bytes},
         {"folder", model.folder}},
        model.folder + "\n");
}

}  // namespace

void add_download_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("download", "Fetch a model from a hub into its cache, without launching it");
  command->footer(
      "Prints the folder of the checkpoint. A download that was interrupted goes on where it was; what `hf download` or\n"
      "`modelscope download` fetched is found, and vice versa. HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE,\n"
      "MODELSCOPE_ENDPOINT, MODELSCOPE_API_TOKEN and MODELSCOPE_CACHE mean what they mean to these.\n"
      "Example: spyhop download --model-name deepseek-vl2 --size-in-billions 3 --dry-run");
  auto flags = std::make_shared<DownloadFlags>();
  const std::string group = "Model";
  with_env(command->add_option("-n,--model-name", flags->model_name, "A model that the program knows"))
      ->required()
      ->group(group);
  with_env(command->add_option("-s,--size-in-billions", flags->choice.size, "Its size, such as 3, 16 or 27"))->group(group);
  with_env(command->add_option("-f,--model-format", flags->choice.format, "Format of the weights (default: the only one)"))
      ->group(group);
  declare_model_source(*command, flags->source);
  command->add_flag("--dry-run", flags->is_dry_run, "Print the files and their bytes, and change nothing");
  command->add_flag("--json", flags->prints_json, "Print JSON");
  command->callback([flags] {
    set_up_log("info");
    run(*flags);
  });
}

}  // namespace spyhop
