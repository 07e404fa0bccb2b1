#include "cli/server_answers.h"

#include <nlohmann/json.hpp>

#include "spyhop/error.h"

namespace spyhop {

nlohmann::ordered_json parse_answer(const ApiClient& client, const std::string& body) {
  auto answer = nlohmann::ordered_json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_discarded()) return answer;
  throw Error(ErrorCode::kUnavailable, client.endpoint() + " does not answer as this API does", "endpoint");
}

nlohmann::ordered_json ask_json(const ApiClient& client, const std::string& path) {
  return parse_answer(client, client.get(path));
}

}  // namespace spyhop
