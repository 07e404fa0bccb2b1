// What commands need that talk to a running server.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "http/api_client.h"

namespace spyhop {

struct ClientFlags {
  std::string endpoint;  // empty = XINFERENCE_ENDPOINT, else the default
  std::string api_key;
  bool prints_json = false;
};

/// Declares --endpoint and --api-key.
void declare_client_flags(CLI::App& command, ClientFlags& flags);

/// The endpoint that flag or variables name; empty when none does.
std::string named_endpoint(const ClientFlags& flags);

/// For that endpoint, or for the default one.
ApiClient make_client(const ClientFlags& flags);

/// A server that speaks this API listens there, however busy it is.
bool is_server_at(const std::string& endpoint);

}  // namespace spyhop
