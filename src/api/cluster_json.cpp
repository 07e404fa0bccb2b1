#include "api/cluster_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

std::string without_port(const std::string& address) {
  const size_t colon = address.rfind(':');
  return colon == std::string::npos || address.find(']', colon) != std::string::npos ? address : address.substr(0, colon);
}

Json node(const char* type, const ServerFacts& facts) {
  return {{"node_type", type},
          {"ip_address", without_port(facts.address)},
          {"gpu_count", 0},
          {"gpu_vram_total", 0},
          {"cpu_count", facts.num_cores},
          {"model_count", facts.num_models}};
}

}  // namespace

std::string cluster_auth_json(bool has_keys) {
  return to_text({{"auth", has_keys}});
}

std::string cluster_info_json(const ServerFacts& facts) {
  return to_text(Json::array({node("Supervisor", facts), node("Worker", facts)}));
}

std::string cluster_version_json() {
  return to_text({{"version", SPYHOP_VERSION}, {"full-revisionid", Json()}, {"server", "spyhop"}});
}

std::string address_json(const ServerFacts& facts) {
  return to_text(facts.address);
}

std::string status_json(const ServerFacts& facts) {
  const Json worker = {{"address", facts.address}, {"model_count", facts.num_models}, {"cpu_count", facts.num_cores}};
  return to_text({{"uptime", facts.uptime_seconds}, {"workers", Json::array({worker})}});
}

}  // namespace spyhop
