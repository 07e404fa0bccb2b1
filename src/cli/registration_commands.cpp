// `spyhop register`, `unregister` and `registrations`: the models that the program knows by name.
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/option_tools.h"
#include "cli/server_answers.h"
#include "cli/text_table.h"
#include "common/file.h"
#include "common/nearest_match.h"
#include "common/problem_list.h"
#include "registry/registry.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxEntryBytes = size_t{4} << 20;
constexpr const char* kModelType = "LLM";

struct RegistrationFlags {
  std::string model_type = kModelType;
  std::string file;
  std::string model_name;
  bool persists = true;
  bool prints_json = false;
  ClientFlags client;
};

void declare_common(CLI::App& command, RegistrationFlags& flags) {
  command.add_option("-t,--model-type", flags.model_type, "Type of the models; the only one")
      ->transform(one_of({kModelType}, "model type"))
      ->capture_default_str();
  command.add_flag("--json", flags.prints_json, "Print JSON");
  declare_client_flags(command, flags.client);
}

std::string entry_path(const std::string& model_name) {
  return user_models_dir() + "/" + model_name + ".json";
}

bool is_remote(const RegistrationFlags& flags) {
  return !named_endpoint(flags.client).empty();
}

void register_remotely(const RegistrationFlags& flags) {
  const ApiClient client = make_client(flags.client);
  const std::string entry = read_text_file(flags.file, kMaxEntryBytes);
  const ModelFamily family = parse_model_family(entry, flags.file, EntryOrigin::kUser);
  client.post("/v1/model_registrations/LLM", ordered_json{{"model", entry}, {"persist", true}}.dump());
  print_result(flags.prints_json, {{"model_name", family.name}, {"endpoint", client.endpoint()}},
               family.name + " is registered at " + client.endpoint() + "\n");
}

void unregister_remotely(const RegistrationFlags& flags) {
  const ApiClient client = make_client(flags.client);
  client.remove("/v1/model_registrations/LLM/" + url_escaped(flags.model_name));
  print_result(flags.prints_json, {{"model_name", flags.model_name}}, flags.model_name + " is no longer registered\n");
}

void list_remotely(const RegistrationFlags& flags) {
  const ordered_json models = ask_json(make_client(flags.client), "/v1/model_registrations/LLM?detailed=true");
  std::vector<std::vector<std::string>> rows;
  for (const ordered_json& model : models) {
    rows.push_back({kModelType, model.value("model_name", ""), joined(model.value("model_lang", std::vector<std::string>())),
                    joined(model.value("model_ability", std::vector<std::string>())),
                    model.value("is_builtin", false) ? "True" : "False"});
  }
  print_result(flags.prints_json, models, text_table({"Type", "Name", "Language", "Ability", "Is-built-in"}, rows));
}

void register_model(const RegistrationFlags& flags) {
  const ModelFamily family = add_user_model(read_text_file(flags.file, kMaxEntryBytes), flags.file);
  const std::string path = entry_path(family.name);
  print_result(flags.prints_json, {{"model_name", family.name}, {"file", path}},
               family.name + " is registered in " + path + "\n");
}

/// With the nearest of the names that may be removed: those that shipped are no candidates.
void unregister_model(const RegistrationFlags& flags) {
  std::vector<std::string> added;
  const Registry registry = Registry::load();
  for (const ModelFamily& family : registry.families()) {
    if (!family.is_builtin) added.push_back(family.name);
  }
  try {
    remove_user_model(flags.model_name);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModelNotFound) throw;
    const std::string known = added.empty() ? "none is registered" : allowed_text(flags.model_name, added);
    throw Error(error.code(), "no model named " + in_quotes(flags.model_name) + " is registered; " + known, "model_name");
  }
  print_result(flags.prints_json, {{"model_name", flags.model_name}}, flags.model_name + " is no longer registered\n");
}

void list_models(const RegistrationFlags& flags) {
  ordered_json json = ordered_json::array();
  std::vector<std::vector<std::string>> rows;
  const Registry registry = Registry::load();
  for (const ModelFamily& family : registry.families()) {
    json.push_back({{"model_type", kModelType},
                    {"model_name", family.name},
                    {"model_lang", family.languages},
                    {"model_ability", family.abilities},
                    {"is_builtin", family.is_builtin},
                    {"context_length", family.context_length},
                    {"model_description", family.description}});
    rows.push_back(
        {kModelType, family.name, joined(family.languages), joined(family.abilities), family.is_builtin ? "True" : "False"});
  }
  print_result(flags.prints_json, json, text_table({"Type", "Name", "Language", "Ability", "Is-built-in"}, rows));
}

}  // namespace

void add_register_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("register", "Give own weights, or another repository, a name");
  command->footer(
      "The file describes the model in the form of models/deepseek-vl2.json; models/model-family.schema.json says what may be\n"
      "left out. It is kept in $SPYHOP_HOME/models (by default ~/.spyhop/models), in place of an earlier one of its name.");
  auto flags = std::make_shared<RegistrationFlags>();
  command->add_option("-f,--file", flags->file, "JSON file that describes the model")->required();
  command->add_flag("-p,--persist", flags->persists, "Without effect: what is registered is always kept");
  declare_common(*command, *flags);
  command->callback([flags] { is_remote(*flags) ? register_remotely(*flags) : register_model(*flags); });
}

void add_unregister_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("unregister", "Forget a model that was registered; its weights stay");
  auto flags = std::make_shared<RegistrationFlags>();
  command->add_option("-n,--model-name", flags->model_name, "A model that was registered")->required();
  declare_common(*command, *flags);
  command->callback([flags] { is_remote(*flags) ? unregister_remotely(*flags) : unregister_model(*flags); });
}

void add_registrations_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("registrations", "List the models that the program knows by name");
  auto flags = std::make_shared<RegistrationFlags>();
  declare_common(*command, *flags);
  command->callback([flags] { is_remote(*flags) ? list_remotely(*flags) : list_models(*flags); });
}

}  // namespace spyhop
