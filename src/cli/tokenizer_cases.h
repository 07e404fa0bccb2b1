// The kinds of conformance cases of a tokenizer, one function per kind.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "prompt/llama_tokenizer.h"
#include "prompt/sentencepiece_model.h"
#include "prompt/tokenizer.h"

namespace spyhop {

// Each compares one case, a line of a case file, with the tokenizer. They return what differs, or "" when all of it holds, and
// throw nlohmann::json::exception where the case lacks a field.

/// text -> ids, with and without bos, and back.
std::string check_encode_case(const Tokenizer& tokenizer, const nlohmann::json& item);
/// ids -> text, with and without special tokens.
std::string check_decode_case(const Tokenizer& tokenizer, const nlohmann::json& item);
/// ids -> the text that each of them completes.
std::string check_stream_case(const Tokenizer& tokenizer, const nlohmann::json& item);
/// Conversation and image sizes -> ids.
std::string check_conversation_case(const Tokenizer& tokenizer, const nlohmann::json& item);
/// text -> lengths of the pre-tokenizer's pieces.
std::string check_pre_tokenizer_case(const Tokenizer& tokenizer, const nlohmann::json& item);

/// text -> ids and pieces of a SentencePiece model, and back.
std::string check_sentencepiece_encode_case(const SentencePieceModel& model, const nlohmann::json& item);
/// ids -> text.
std::string check_sentencepiece_decode_case(const SentencePieceModel& model, const nlohmann::json& item);

/// One text's ids in a SentencePiece model and in the two tokenizer.json that were converted from it.
struct LlamaTrio {
  SentencePieceModel model;
  LlamaTokenizer legacy;
  LlamaTokenizer non_legacy;
};
std::string check_llama_case(const LlamaTrio& trio, const nlohmann::json& item);

}  // namespace spyhop
