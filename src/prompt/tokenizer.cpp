#include "prompt/tokenizer.h"

#include <filesystem>

#include "common/gzip_file.h"
#include "prompt/bpe_tokenizer.h"
#include "prompt/special_tokens.h"
#include "prompt/tokenizer_json.h"
#include "prompt/utf8.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxFileBytes = size_t{128} << 20;

std::unique_ptr<Tokenizer> load_json(const std::string& file, const SpecialTokenNames& names) {
  TokenizerJson json = parse_tokenizer_json(read_file_or_gzip(file, kMaxFileBytes), file);
  json = add_special_tokens(std::move(json), vl2_tokens(names), file);
  return std::make_unique<BpeTokenizer>(json, names, file);
}

}  // namespace

std::string Tokenizer::decode(const std::vector<int32_t>& ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (!skip_special || !is_special(id)) bytes += token_bytes(id);
  }
  return is_valid_utf8(bytes) ? bytes : replace_invalid_utf8(bytes);
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& dir) {
  const SpecialTokenNames names = read_special_token_names(dir);
  for (const char* name : {"/tokenizer.json", "/tokenizer.json.gz"}) {
    if (std::filesystem::exists(dir + name)) return load_json(dir + name, names);
  }
  throw Error(ErrorCode::kModelLoad, dir + ": holds neither tokenizer.json nor tokenizer.model");
}

}  // namespace spyhop
