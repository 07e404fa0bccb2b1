#include "cli/client_flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/option_tools.h"
#include "spyhop/error.h"

namespace spyhop {

void declare_client_flags(CLI::App& command, ClientFlags& flags) {
  const std::string group = "Server";
  with_env(command.add_option("-e,--endpoint", flags.endpoint,
                              "Address of the server (default: $XINFERENCE_ENDPOINT, else http://127.0.0.1:9997)"))
      ->group(group);
  with_env(command.add_option("--api-key", flags.api_key, "Key that the server asks for; -ak is the same"))->group(group);
}

std::string named_endpoint(const ClientFlags& flags) {
  if (!flags.endpoint.empty()) return flags.endpoint;
  const char* const variable = std::getenv("XINFERENCE_ENDPOINT");
  return variable == nullptr ? "" : variable;
}

ApiClient make_client(const ClientFlags& flags) {
  ApiClientOptions options;
  const std::string endpoint = named_endpoint(flags);
  if (!endpoint.empty()) options.endpoint = endpoint;
  options.api_key = flags.api_key;
  return ApiClient(options);
}

bool is_server_at(const std::string& endpoint) {
  constexpr std::chrono::milliseconds kConnectTimeout{300};
  constexpr std::chrono::milliseconds kReadTimeout{2000};
  try {
    const std::string answer = ApiClient({endpoint, "", kConnectTimeout, kReadTimeout}).get("/v1/cluster/auth");
    const auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
    return json.is_object() && json.contains("auth");
  } catch (const Error&) {
    return false;
  }
}

}  // namespace spyhop
