// What is told about the cluster, in the shapes that clients of xinference parse.
#pragma once

#include <string>

namespace spyhop {

struct ServerFacts {
  std::string address;  // as the client knows it
  double uptime_seconds = 0;
  int num_models = 0;
  int num_cores = 0;
};

std::string cluster_auth_json(bool has_keys);
std::string cluster_info_json(const ServerFacts& facts);
std::string cluster_version_json();
std::string address_json(const ServerFacts& facts);
std::string status_json(const ServerFacts& facts);

}  // namespace spyhop
