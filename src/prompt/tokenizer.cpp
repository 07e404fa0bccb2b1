#include "prompt/tokenizer.h"

#include <filesystem>
#include <system_error>

#include "common/gzip.h"
#include "prompt/bpe_tokenizer.h"
#include "prompt/llama_tokenizer.h"
#include "prompt/sentencepiece_tokenizer.h"
#include "prompt/special_tokens.h"
#include "prompt/tokenizer_json.h"
#include "common/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileBytes = size_t{128} << 20;

std::unique_ptr<Tokenizer> load_json(const std::string& text, const std::string& file, const SpecialTokenNames& names) {
  const TokenizerJson json = add_special_tokens(parse_tokenizer_json(text, file), vl2_tokens(names), file);
  const SpecialIds special = find_special_ids(token_index(json.vocab, json.added_tokens), names, file);
  check_merges_yield_no_special(json, special, file);
  if (std::holds_alternative<LlamaStyle>(json.style)) return std::make_unique<LlamaTokenizer>(json, special, file);
  return std::make_unique<BpeTokenizer>(json, special, file);
}

bool is_sentencepiece(const fs::path& file) {
  return file.extension() == ".model" || file.stem().extension() == ".model";
}

fs::path find_tokenizer_file(const std::string& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return path;
  for (const char* name : {"tokenizer.json", "tokenizer.json.gz", "tokenizer.model"}) {
    if (fs::exists(fs::path(path) / name, ignored)) return fs::path(path) / name;
  }
  throw Error(ErrorCode::kModelLoad, path + ": holds neither tokenizer.json nor tokenizer.model");
}

}  // namespace

std::string Tokenizer::decode(const std::vector<int32_t>& ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (!skip_special || !is_special(id)) bytes += token_bytes(id);
  }
  return is_valid_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path) {
  const fs::path file = find_tokenizer_file(path);
  const SpecialTokenNames names = read_special_token_names(file.parent_path().string());
  const std::string bytes = read_text_or_gzip_file(file.string(), kMaxFileBytes);
  if (is_sentencepiece(file)) return std::make_unique<SentencePieceTokenizer>(bytes, names, file.string());
  return load_json(bytes, file.string(), names);
}

}  // namespace spyhop
