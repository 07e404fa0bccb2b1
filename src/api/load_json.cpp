#include "api/load_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {

std::string load_json(const EngineStats& stats) {
  return to_text({{"server_load", stats.num_running + stats.num_waiting},
                  {"running", stats.num_running},
                  {"waiting", stats.num_waiting},
                  {"kv_cache_usage", stats.kv_cache_usage},
                  {"max_num_seqs", stats.max_num_seqs},
                  {"max_queue", stats.max_queue}});
}

}  // namespace spyhop
