#include "cli/tokenizer_cases.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "prompt/bpe_tokenizer.h"
#include "prompt/detokenizer.h"
#include "prompt/reference_conversation.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

/// Ids in which a pair [id, count] stands for a run.
Ids expand_runs(const json& runs) {
  Ids ids;
  for (const json& run : runs) {
    if (run.is_array()) {
      ids.insert(ids.end(), run.at(1).get<size_t>(), run.at(0).get<int32_t>());
    } else {
      ids.push_back(run.get<int32_t>());
    }
  }
  return ids;
}

std::string check_texts(const Tokenizer& tokenizer, const Ids& ids, const json& item) {
  if (tokenizer.decode(ids, /*skip_special=*/false) != item.at("dec").get<std::string>()) return "dec";
  if (tokenizer.decode(ids, /*skip_special=*/true) != item.at("dec_skip").get<std::string>()) return "dec_skip";
  return {};
}

}  // namespace

std::string check_encode_case(const Tokenizer& tokenizer, const json& item) {
  const auto expected = item.at("ids").get<Ids>();
  Ids ids = tokenizer.encode(item.at("text").get<std::string>(), SpecialTokens::kAll);
  if (ids != expected) return "ids";
  std::string difference = check_texts(tokenizer, ids, item);
  if (!difference.empty()) return difference;
  ids.insert(ids.begin(), tokenizer.special_ids().bos);
  return ids == item.at("ids_bos").get<Ids>() ? "" : "ids_bos";
}

std::string check_decode_case(const Tokenizer& tokenizer, const json& item) {
  return check_texts(tokenizer, item.at("ids").get<Ids>(), item);
}

std::string check_stream_case(const Tokenizer& tokenizer, const json& item) {
  const auto ids = item.at("ids").get<Ids>();
  const auto steps = item.at("steps").get<std::vector<std::string>>();
  if (ids.size() != steps.size()) return "number of steps";
  Detokenizer detokenizer(tokenizer, item.at("skip_special").get<bool>());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (detokenizer.push(ids[i]) != steps[i]) return "steps[" + std::to_string(i) + "]";
  }
  return detokenizer.finish() == item.at("final").get<std::string>() ? "" : "final";
}

std::string check_conversation_case(const Tokenizer& tokenizer, const json& item) {
  const auto image_tokens = item.at("image_tokens").get<std::vector<int>>();
  std::vector<ReferenceMessage> messages;
  for (const json& message : item.at("messages")) {
    messages.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>(), 0});
  }
  if (!messages.empty()) messages[0].num_images = static_cast<int>(image_tokens.size());
  try {
    const auto conversation = parse_reference_conversation(messages);
    const TemplateIds result = encode_conversation(conversation, image_tokens, tokenizer, SpecialTokens::kAll);
    return result.token_ids == expand_runs(item.at("ids_rle")) ? "" : "ids_rle";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string check_pre_tokenizer_case(const Tokenizer& tokenizer, const json& item) {
  const auto* bpe = dynamic_cast<const BpeTokenizer*>(&tokenizer);
  if (bpe == nullptr) return "the tokenizer has no pre-tokenizer";
  std::vector<uint32_t> ends = item.at("lens").get<std::vector<uint32_t>>();
  for (size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  return bpe->pre_tokenizer().piece_ends(item.at("text").get<std::string>()) == ends ? "" : "lens";
}

std::string check_sentencepiece_encode_case(const SentencePieceModel& model, const json& item) {
  const Ids ids = model.encode(item.at("text").get<std::string>());
  return ids == item.at("ids").get<Ids>() ? check_sentencepiece_decode_case(model, item) : "ids";
}

std::string check_sentencepiece_decode_case(const SentencePieceModel& model, const json& item) {
  const auto ids = item.at("ids").get<Ids>();
  const json& pieces = item.at("pieces");
  for (size_t i = 0; i < ids.size(); ++i) {
    // An unknown piece is recorded as the text that it stands for.
    const bool has_piece = ids[i] >= 0 && ids[i] < model.size() && model.kind(ids[i]) != kSpyhopUnknownPiece;
    if (has_piece && model.piece(ids[i]) != pieces.at(i).get<std::string>()) return "pieces[" + std::to_string(i) + "]";
  }
  return model.decode(ids) == item.at("dec").get<std::string>() ? "" : "dec";
}

std::string check_llama_case(const LlamaTrio& trio, const json& item) {
  const auto text = item.at("text").get<std::string>();
  if (trio.model.encode(text) != item.at("sp_ids").get<Ids>()) return "sp_ids";
  struct Version {
    const LlamaTokenizer& tokenizer;
    std::string ids, decoded;
  };
  for (const Version& version : {Version{trio.legacy, "hf_legacy_ids", "hf_legacy_dec"},
                                 Version{trio.non_legacy, "hf_nonlegacy_ids", "hf_nonlegacy_dec"}}) {
    const Ids ids = version.tokenizer.encode(text, SpecialTokens::kAll);
    if (ids != item.at(version.ids).get<Ids>()) return version.ids;
    if (version.tokenizer.decode(ids, /*skip_special=*/false) != item.at(version.decoded).get<std::string>()) {
      return version.decoded;
    }
  }
  return {};
}

}  // namespace spyhop
