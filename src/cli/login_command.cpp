// `spyhop login`: keeps a hub's token where the hub's own tool keeps it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/option_tools.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "hub/hub.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

struct LoginFlags {
  std::string model_src = "huggingface";
  bool is_unverified = false;
  bool prints_json = false;
};

/// The hub's settings with the token in place of any other.
std::unique_ptr<Hub> hub_with_token(const std::string& name, const std::string& variable, const std::string& token) {
  const Environment process = process_environment();
  const Environment with_token = [=](const std::string& each) { return each == variable ? token : process(each); };
  return make_hub(name, with_token, "");
}

/// What holds a token of the hub, and where it listens, whatever token there is.
std::unique_ptr<Hub> hub_without_token(const std::string& name) {
  const Environment process = process_environment();
  // "none" keeps a file with a bad token, which this command may be there to replace, from being read.
  const Environment with_dummy = [=](const std::string& each) {
    return each == "HF_TOKEN" || each == "MODELSCOPE_API_TOKEN" ? std::string("none") : process(each);
  };
  return make_hub(name, with_dummy, "");
}

std::string ask_for_token(const Hub& hub) {
  const std::optional<std::string> line =
      read_secret("Token for " + hub.title() + " (" + hub.settings().endpoint + "), not shown while you type: ");
  const std::string token = clean_token(line.value_or(""), "the input");
  if (!token.empty()) return token;
  throw Error(ErrorCode::kInvalidRequest, "no token was given; it is read from the terminal, or the first line of stdin");
}

HubUser verify(const Hub& hub) {
  if (hub.settings().is_offline) {
    throw Error(ErrorCode::kUnavailable,
                "HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set, so that nobody can be asked whose token "
                "this is; nothing is stored. --no-verify stores it all the same");
  }
  HttpTransferLimits limits;
  limits.ca_file = process_environment()("SSL_CERT_FILE");
  HubConnection connection(hub.access(), limits, RetryPolicy());
  return hub.whoami(connection);
}

void run(const LoginFlags& flags) {
  const std::unique_ptr<Hub> plain = hub_without_token(flags.model_src);
  const std::unique_ptr<Hub> hub = hub_with_token(flags.model_src, plain->token_variable(), ask_for_token(*plain));
  const HubUser user = flags.is_unverified ? HubUser{} : verify(*hub);
  hub->store_token(user);
  if (!process_environment()(hub->token_variable()).empty()) {
    std::fprintf(stderr, "spyhop: %s is set and wins over the token that is now stored\n", hub->token_variable().c_str());
  }
  const std::string& path = hub->settings().token_path;
  const std::string who = flags.is_unverified ? "" : "logged in at " + hub->title() + " as " + user.name + "; ";
  print_result(flags.prints_json,
               {{"hub", hub->name()},
                {"endpoint", hub->settings().endpoint},
                {"user", flags.is_unverified ? nlohmann::ordered_json() : nlohmann::ordered_json(user.name)},
                {"file", path}},
               who + "the token is stored in " + path + "\n");
}

}  // namespace

void add_login_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("login", "Keep a hub's token for models that are guarded");
  command->footer(
      "The token is read from the terminal without being shown, or from the first line of stdin. It is stored where\n"
      "`hf auth login` or `modelscope login` store it, readable by you alone, after the hub has said whose it is.\n"
      "Example: spyhop login --model-src modelscope < token.txt");
  auto flags = std::make_shared<LoginFlags>();
  command->add_option("--model-src", flags->model_src, "Hub that the token is for")
      ->transform(one_of({"huggingface", "modelscope"}, "hub"))
      ->capture_default_str();
  command->add_flag("--no-verify", flags->is_unverified, "Store the token without asking the hub whose it is");
  command->add_flag("--json", flags->prints_json, "Print JSON");
  command->callback([flags] { run(*flags); });
}

}  // namespace spyhop
