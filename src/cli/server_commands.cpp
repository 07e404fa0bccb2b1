// `spyhop list`, `terminate` and `stop-cluster`: what a running server serves, and ending it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/server_answers.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct ServerFlags {
  ClientFlags client;
  std::string model_uid;
  bool asks = false;
};

std::string cell(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

/// The models that serve, then those on their way or failed.
void list_models(const ServerFlags& flags) {
  const ApiClient client = make_client(flags.client);
  ordered_json models = ask_json(client, "/v1/models")["data"];
  std::set<std::string> uids;
  std::vector<std::vector<std::string>> rows;
  const auto add_row = [&](const std::string& uid, const ordered_json& model, const std::string& status) {
    rows.push_back({uid, cell(model, "model_type").empty() ? "LLM" : cell(model, "model_type"), cell(model, "model_name"),
                    cell(model, "model_format"), cell(model, "model_size_in_billions"), cell(model, "quantization"), status});
  };
  for (ordered_json& model : models) {
    uids.insert(cell(model, "id"));
    model["status"] = "READY";
    add_row(cell(model, "id"), model, "READY");
  }
  for (const ordered_json& instance : ask_json(client, "/v1/models/instances")) {
    const std::string uid = cell(instance, "model_uid");
    if (uids.count(uid) > 0) continue;
    ordered_json model = {{"id", uid}};
    model.update(instance);
    models.push_back(model);
    add_row(uid, instance, cell(instance, "status"));
  }
  const std::string table =
      rows.empty() ? "No model is loaded.\n"
                   : text_table({"UID", "Type", "Name", "Format", "Size (in billions)", "Quantization", "Status"}, rows);
  print_result(flags.client.prints_json, models, table);
}

void terminate_model(const ServerFlags& flags) {
  const ApiClient client = make_client(flags.client);
  client.remove("/v1/models/" + url_escaped(flags.model_uid));
  print_result(flags.client.prints_json, {{"model_uid", flags.model_uid}, {"terminated", true}},
               flags.model_uid + " is terminated\n");
}

void stop_cluster(const ServerFlags& flags) {
  const ApiClient client = make_client(flags.client);
  if (flags.asks && !ask_yes_or_no("Stop the server at " + client.endpoint() + " with all its models?")) {
    std::fputs("nothing is stopped\n", stderr);
    throw CLI::RuntimeError(1);
  }
  client.remove("/v1/clusters");
  print_result(flags.client.prints_json, {{"endpoint", client.endpoint()}, {"stopped", true}},
               "the server at " + client.endpoint() + " ends once its running answers have\n");
}

}  // namespace

void add_list_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("list", "List the models of a running server");
  auto flags = std::make_shared<ServerFlags>();
  declare_client_flags(*command, flags->client);
  command->add_flag("--json", flags->client.prints_json, "Print JSON");
  command->callback([flags] { list_models(*flags); });
}

void add_terminate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("terminate", "End a model of a running server, or its launch");
  command->footer(
      "Running answers are let end, for as long as the server's --drain-timeout says; new requests are refused at once.");
  auto flags = std::make_shared<ServerFlags>();
  command->add_option("-u,--model-uid", flags->model_uid, "The model, as spyhop list shows it")->required();
  declare_client_flags(*command, flags->client);
  command->add_flag("--json", flags->client.prints_json, "Print JSON");
  command->callback([flags] { terminate_model(*flags); });
}

void add_stop_cluster_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("stop-cluster", "Stop a running server");
  auto flags = std::make_shared<ServerFlags>();
  declare_client_flags(*command, flags->client);
  command->add_flag("--check", flags->asks, "Ask first");
  command->add_flag("--json", flags->client.prints_json, "Print JSON");
  command->callback([flags] { stop_cluster(*flags); });
}

}  // namespace spyhop
