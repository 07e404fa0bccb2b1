#include "prompt/special_tokens.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/file.h"
#include "common/json_fields.h"
#include "prompt/json_view.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxFileBytes = size_t{16} << 20;

/// A token is written as a string, or as an object with its content.
std::optional<std::string> token_name(const JsonView& view) {
  if (view.is_null()) return std::nullopt;
  if (view.is_string()) return view.string();
  if (!view.is_object()) view.reject("a string, an object with \"content\", or null");
  return view["content"].string();
}

SpecialTokenNames read_names(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {};
  const nlohmann::json document = parse_json(read_text_file(file, kMaxFileBytes), file);
  const JsonView view(document, file);
  return {token_name(view["bos_token"]), token_name(view["eos_token"]), token_name(view["pad_token"])};
}

}  // namespace

bool is_grounding_token(std::string_view token) {
  return std::find(kGroundingTokens.begin(), kGroundingTokens.end(), token) != kGroundingTokens.end();
}

SpecialTokenNames read_special_token_names(const std::string& dir) {
  SpecialTokenNames names = read_names(dir + "/tokenizer_config.json");
  const SpecialTokenNames others = read_names(dir + "/special_tokens_map.json");
  if (!names.bos) names.bos = others.bos;
  if (!names.eos) names.eos = others.eos;
  if (!names.pad) names.pad = others.pad;
  return names;
}

std::vector<std::string_view> vl2_tokens(const SpecialTokenNames& names) {
  std::vector<std::string_view> tokens;
  if (names.pad.value_or(std::string(kPadToken)) == kPadToken) tokens.push_back(kPadToken);
  tokens.push_back(kImageToken);
  tokens.insert(tokens.end(), kGroundingTokens.begin(), kGroundingTokens.end());
  tokens.push_back(kUserToken);
  tokens.push_back(kAssistantToken);
  return tokens;
}

SpecialIds find_special_ids(const TokenTable& tokens, const SpecialTokenNames& names, const std::string& file) {
  const auto find = [&](const std::string& token, const char* role) {
    const int32_t id = tokens.find(token);
    if (id != TokenTable::kAbsent) return id;
    throw Error(ErrorCode::kModelLoad, file + ": there is no token " + in_quotes(token) + ", the " + role + " token");
  };
  SpecialIds ids;
  ids.bos = find(names.bos.value_or(std::string(kBosToken)), "beginning-of-sentence");
  ids.eos = find(names.eos.value_or(std::string(kEosToken)), "end-of-sentence");
  ids.pad = find(names.pad.value_or(std::string(kPadToken)), "padding");
  ids.image = find(std::string(kImageToken), "image");
  ids.user = find(std::string(kUserToken), "user");
  ids.assistant = find(std::string(kAssistantToken), "assistant");
  for (const std::string_view token : kGroundingTokens) find(std::string(token), "grounding");
  return ids;
}

}  // namespace spyhop
