// `spyhop remove-cache`: frees what a hub's cache holds of a model.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cached_models_view.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "common/byte_size.h"
#include "hub/cached_models.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct RemoveFlags {
  CacheFlags cache;
  bool is_confirmed = false;
  bool asks = false;
  bool is_dry_run = false;
};

/// A model, and where it is.
struct Removal {
  const Hub* hub;
  CacheRemoval plan;
};

int64_t total_bytes(const std::vector<Removal>& removals) {
  int64_t total = 0;
  for (const Removal& removal : removals) total += removal.plan.bytes;
  return total;
}

ordered_json to_json(const std::vector<Removal>& removals, bool is_done) {
  ordered_json list = ordered_json::array();
  for (const Removal& removal : removals) {
    list.push_back({{"hub", removal.plan.hub},
                    {"model_id", removal.plan.model_id},
                    {"bytes", removal.plan.bytes},
                    {"paths", removal.plan.paths}});
  }
  return {{"removed", is_done}, {"bytes", total_bytes(removals)}, {"models", list}};
}

std::string to_text(const std::vector<Removal>& removals) {
  std::vector<std::vector<std::string>> rows;
  for (const Removal& removal : removals) {
    for (const std::string& path : removal.plan.paths) {
      rows.push_back({removal.plan.model_id, removal.plan.hub, byte_size_text(removal.plan.bytes), path});
    }
  }
  return text_table({"Model id", "Hub", "Bytes", "Path"}, rows);
}

std::vector<Removal> plan_removals(const std::vector<std::unique_ptr<Hub>>& hubs, const CacheFlags& flags) {
  const Registry registry = Registry::load();
  std::vector<Removal> removals;
  for (const std::unique_ptr<Hub>& hub : hubs) {
    for (const std::string& id : chosen_model_ids(registry, hub->name(), flags)) {
      CacheRemoval plan = plan_cache_removal(*hub, id);
      if (!plan.paths.empty()) removals.push_back({hub.get(), std::move(plan)});
    }
  }
  if (!removals.empty()) return removals;
  throw Error(ErrorCode::kModelNotFound,
              "no cache holds anything of " + flags.model_name + (flags.size.empty() ? "" : " " + flags.size) +
                  "; `spyhop cached` lists what there is",
              "model_name");
}

/// Whether to go on. Throws Error where nobody can be asked.
bool is_agreed(const RemoveFlags& flags, const std::vector<Removal>& removals) {
  if (flags.is_confirmed) return true;
  const std::string what = byte_size_text(total_bytes(removals));
  if (!is_interactive()) {
    throw Error(ErrorCode::kInvalidRequest, "nothing is removed (" + what + "): this is no terminal, so give --yes", "yes");
  }
  std::fputs(to_text(removals).c_str(), stderr);
  return ask_yes_or_no("Remove " + what + "?");
}

void run(const RemoveFlags& flags) {
  const std::vector<std::unique_ptr<Hub>> hubs = hubs_of(flags.cache);
  std::vector<Removal> removals = plan_removals(hubs, flags.cache);
  if (flags.is_dry_run) {
    return print_result(flags.cache.prints_json, to_json(removals, /*is_done=*/false), to_text(removals));
  }
  if (!is_agreed(flags, removals)) {
    std::fputs("nothing is removed\n", stderr);
    throw CLI::RuntimeError(1);
  }
  for (Removal& removal : removals) removal.plan = remove_cached_model(*removal.hub, removal.plan.model_id);
  print_result(flags.cache.prints_json, to_json(removals, /*is_done=*/true),
               to_text(removals) + "\n" + byte_size_text(total_bytes(removals)) + " removed\n");
}

}  // namespace

void add_remove_cache_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("remove-cache", "Remove a model from the caches of the hubs");
  command->footer(
      "All revisions go, unfinished downloads included. Asks first at a terminal; elsewhere --yes is needed. Links are "
      "removed,\n"
      "never followed; while a download of the model is going on, nothing is removed.");
  auto flags = std::make_shared<RemoveFlags>();
  command->add_option("-n,--model-name", flags->cache.model_name, "A model that the program knows, or OWNER/NAME on the hub")
      ->required();
  declare_cache_flags(*command, flags->cache);
  CLI::Option* yes = command->add_flag("-y,--yes", flags->is_confirmed, "Do not ask");
  command->add_flag("--check", flags->asks, "Ask first, which is the default")->excludes(yes);
  command->add_flag("--dry-run", flags->is_dry_run, "Print what would be removed, and change nothing");
  command->callback([flags] { run(*flags); });
}

}  // namespace spyhop
