#include "api/logprobs_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json token_json(const std::string& token, double logprob) {
  Json bytes = Json::array();
  for (const char byte : token) bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", token}, {"logprob", shown_logprob(logprob)}, {"bytes", std::move(bytes)}};
}

}  // namespace

double shown_logprob(double logprob) {
  constexpr double kLowest = -9999.0;
  const bool in_range = logprob > kLowest;  // false for NaN as well
  return in_range ? std::min(logprob, 0.0) : kLowest;
}

nlohmann::ordered_json token_logprobs_json(const std::vector<TokenLogprob>& tokens) {
  Json content = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json top = Json::array();
    for (const TopLogprob& other : token.top) top.push_back(token_json(other.token, other.logprob));
    content.push_back(token_json(token.token, token.logprob));
    content.back()["top_logprobs"] = std::move(top);
  }
  return content;
}

nlohmann::ordered_json logprobs_json(const std::vector<TokenLogprob>& tokens) {
  return {{"content", token_logprobs_json(tokens)}, {"refusal", nullptr}};
}

}  // namespace spyhop
