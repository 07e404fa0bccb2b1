// `spyhop cached`: what lies in the hubs' caches.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cached_models_view.h"
#include "cli/commands.h"
#include "cli/text_table.h"
#include "common/byte_size.h"
#include "hub/cached_models.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct CachedReport {
  ordered_json list = ordered_json::array();
  std::vector<std::vector<std::string>> rows;
};

/// A model that the registry does not know, and that is no checkpoint of ours, is not half of one.
std::string state_of(const CachedSnapshot& snapshot, bool is_known) {
  if (snapshot.is_whole) return "complete";
  return is_known ? "partial" : "other";
}

void add_model(CachedReport& report, const CachedModel& model, const KnownModel* known) {
  for (const CachedSnapshot& snapshot : model.snapshots) {
    const std::string state = state_of(snapshot, known != nullptr);
    report.list.push_back(
        {{"model_name", known == nullptr ? ordered_json() : ordered_json(known->model_name)},
         {"model_size_in_billions", known == nullptr ? ordered_json() : ordered_json(known->size_in_billions)},
         {"model_id", model.model_id},
         {"hub", model.hub},
         {"revision", snapshot.revision},
         {"commit", snapshot.commit},
         {"bytes", snapshot.bytes},
         {"state", state},
         {"path", snapshot.path}});
    report.rows.push_back({known == nullptr ? "" : known->model_name,
                           known == nullptr ? "" : std::to_string(known->size_in_billions), model.model_id, model.hub,
                           snapshot.revision, byte_size_text(snapshot.bytes), state, snapshot.path});
  }
}

void run(const CacheFlags& flags) {
  const Registry registry = Registry::load();
  const bool has_choice = !flags.model_name.empty() || !flags.size.empty();
  CachedReport report;
  for (const std::unique_ptr<Hub>& hub : hubs_of(flags)) {
    const auto known = known_models(registry, hub->name());
    const std::vector<std::string> ids = chosen_model_ids(registry, hub->name(), flags);
    for (const CachedModel& model : find_cached_models(*hub, ids)) {
      if (has_choice && std::find(ids.begin(), ids.end(), model.model_id) == ids.end()) continue;
      const auto found = known.find(model.model_id);
      add_model(report, model, found == known.end() ? nullptr : &found->second);
    }
  }
  const std::string table =
      report.rows.empty()
          ? "There are no cached models.\n"
          : text_table({"Name", "Size (in billions)", "Model id", "Hub", "Revision", "Bytes", "State", "Path"}, report.rows);
  print_result(flags.prints_json, report.list, table);
}

}  // namespace

void add_cached_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("cached", "List what lies in the caches of the hubs");
  command->footer(
      "complete: can be served without a network; partial: a download that has not ended, which `spyhop download` goes on "
      "with;\n"
      "other: of a model that the program does not know.");
  auto flags = std::make_shared<CacheFlags>();
  command->add_option("-n,--model-name,--model_name", flags->model_name,
                      "Only this model: a name that the program knows, or OWNER/NAME on the hub");
  declare_cache_flags(*command, *flags);
  command->callback([flags] { run(*flags); });
}

}  // namespace spyhop
