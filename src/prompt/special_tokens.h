// The special tokens of DeepSeek-VL2, by their strings: their ids differ from size to size.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prompt/token_table.h"
#include "prompt/tokenizer.h"

namespace spyhop {

inline constexpr std::string_view kBosToken = "<\uff5cbegin\u2581of\u2581sentence\uff5c>";
inline constexpr std::string_view kEosToken = "<\uff5cend\u2581of\u2581sentence\uff5c>";
inline constexpr std::string_view kPadToken = "<\uff5c\u2581pad\u2581\uff5c>";
inline constexpr std::string_view kImageToken = "<image>";
inline constexpr std::string_view kUserToken = "<|User|>";
inline constexpr std::string_view kAssistantToken = "<|Assistant|>";
inline constexpr std::array<std::string_view, 5> kGroundingTokens = {"<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>",
                                                                     "<|grounding|>"};

bool is_grounding_token(std::string_view token);

/// The strings of the tokens that begin, end and pad a sequence; absent: a file does not say.
struct SpecialTokenNames {
  std::optional<std::string> bos;
  std::optional<std::string> eos;
  std::optional<std::string> pad;
};

/// From tokenizer_config.json, or special_tokens_map.json for what that one does not name. `dir` need hold neither.
/// Throws Error{kModelLoad} for a file that is malformed.
SpecialTokenNames read_special_token_names(const std::string& dir);

/// The tokens that the VL2 processor adds to a tokenizer that lacks them, in its order.
/// Source: reference processing_deepseek_vl_v2.py, DeepseekVLV2Processor.
std::vector<std::string_view> vl2_tokens(const SpecialTokenNames& names);

/// Looks the special tokens up; DeepSeek's own strings stand in for absent names.
/// Throws Error{kModelLoad} naming `file` and the token that is missing.
SpecialIds find_special_ids(const TokenTable& tokens, const SpecialTokenNames& names, const std::string& file);

}  // namespace spyhop
