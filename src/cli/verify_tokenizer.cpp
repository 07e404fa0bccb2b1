#include "cli/verify_tokenizer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "cli/tokenizer_cases.h"
#include "common/gzip.h"
#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMaxFileBytes = size_t{512} << 20;

/// A line of the table.
struct CaseFileResult {
  std::string file;
  int num_cases = 0;
  int num_failed = 0;
  std::string first_failure;
};

using CaseCheck = std::function<std::string(const json&)>;

/// The name of a case file without ".jsonl" or ".jsonl.gz"; empty for other files.
std::string case_file_stem(const fs::path& path) {
  std::string name = path.filename().string();
  for (const char* ending : {".gz", ".jsonl"}) {
    const std::string_view end = ending;
    const bool has_ending = name.size() > end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
    if (has_ending) name.erase(name.size() - end.size());
    if (!has_ending && end == ".jsonl") return {};
  }
  return name;
}

CaseFileResult run_case_file(const fs::path& path, const CaseCheck& check) {
  CaseFileResult result{path.filename().string(), 0, 0, {}};
  const std::string text = read_text_or_gzip_file(path.string(), kMaxFileBytes);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.empty()) continue;
    ++result.num_cases;
    const std::string name = path.string() + ":" + std::to_string(result.num_cases);
    const json item = parse_json(line, name);
    try {
      const std::string difference = check(item);
      if (difference.empty()) continue;
      if (++result.num_failed == 1) result.first_failure = "id " + item.at("id").dump() + ": " + difference;
    } catch (const json::exception& e) {
      throw Error(ErrorCode::kModelLoad, name + ": not a case of this kind: " + e.what());
    }
  }
  return result;
}

struct CaseKind {
  const char* stem;
  std::string (*check)(const Tokenizer&, const json&);
};

constexpr CaseKind kKinds[] = {{"encode", check_encode_case},
                               {"decode", check_decode_case},
                               {"stream", check_stream_case},
                               {"conv", check_conversation_case},
                               {"pretok", check_pre_tokenizer_case}};

struct ModelCaseKind {
  const char* stem_end;
  std::string (*check)(const SentencePieceModel&, const json&);
};

constexpr ModelCaseKind kModelKinds[] = {{".encode", check_sentencepiece_encode_case},
                                         {".decode", check_sentencepiece_decode_case}};

constexpr std::string_view kLlamaStemEnd = ".hf_llama";

/// Runs case files, loading each tokenizer when the first file asks for it.
class CaseRunner {
 public:
  explicit CaseRunner(const std::string& path) : path_(path) {}

  /// Nothing for a file of no known kind.
  std::optional<CaseFileResult> run(const fs::path& file) {
    const std::string stem = case_file_stem(file);
    for (const CaseKind& kind : kKinds) {
      if (stem != kind.stem) continue;
      if (!tokenizer_) tokenizer_ = load_tokenizer(path_);
      return run_case_file(file, [&](const json& item) { return kind.check(*tokenizer_, item); });
    }
    for (const ModelCaseKind& kind : kModelKinds) {
      const std::optional<std::string> name = model_name(stem, kind.stem_end);
      if (!name) continue;
      const SentencePieceModel model = load_model(*name);
      return run_case_file(file, [&](const json& item) { return kind.check(model, item); });
    }
    const std::optional<std::string> name = model_name(stem, kLlamaStemEnd);
    if (!name) return std::nullopt;
    const LlamaTrio trio{load_model(*name), load_llama(*name + "_hf_legacy.json"), load_llama(*name + "_hf_nonlegacy.json")};
    return run_case_file(file, [&](const json& item) { return check_llama_case(trio, item); });
  }

 private:
  /// The name before `end` in a stem such as "bpe.encode", if the tokenizer asked for holds that model.
  std::optional<std::string> model_name(const std::string& stem, std::string_view end) const {
    if (stem.size() <= end.size() || stem.compare(stem.size() - end.size(), end.size(), end) != 0) return std::nullopt;
    const std::string name = stem.substr(0, stem.size() - end.size());
    return fs::is_directory(path_) || fs::path(path_).stem() == name ? std::optional<std::string>(name) : std::nullopt;
  }

  /// A file of the tokenizer's folder, compressed or not.
  fs::path beside(const std::string& name) const {
    const fs::path file = (fs::is_directory(path_) ? fs::path(path_) : fs::path(path_).parent_path()) / name;
    const fs::path compressed = file.string() + ".gz";
    return fs::exists(compressed) && !fs::exists(file) ? compressed : file;
  }

  SentencePieceModel load_model(const std::string& name) const {
    const std::string file = fs::is_directory(path_) ? beside(name + ".model").string() : path_;
    return SentencePieceModel(read_text_or_gzip_file(file, kMaxFileBytes), file);
  }

  /// A converted tokenizer as it is, without the VL2 tokens.
  LlamaTokenizer load_llama(const std::string& name) const {
    const std::string file = beside(name).string();
    const TokenizerJson parsed = parse_tokenizer_json(read_text_or_gzip_file(file, kMaxFileBytes), file);
    if (std::holds_alternative<LlamaStyle>(parsed.style)) return LlamaTokenizer(parsed, SpecialIds{}, file);
    throw Error(ErrorCode::kModelLoad, file + ": not converted from a SentencePiece model");
  }

  std::string path_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

std::vector<CaseFileResult> run_all(const std::string& path, const std::string& cases_folder) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(cases_folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  CaseRunner runner(path);
  std::vector<CaseFileResult> results;
  for (const fs::path& file : files) {
    if (std::optional<CaseFileResult> result = runner.run(file)) results.push_back(std::move(*result));
  }
  return results;
}

}  // namespace

int verify_tokenizer(const std::string& path, const std::string& cases_folder) {
  if (!fs::is_directory(cases_folder)) throw Error(ErrorCode::kNotFound, cases_folder + ": no such folder", "--cases");
  const std::vector<CaseFileResult> results = run_all(path, cases_folder);
  int num_cases = 0, num_failed = 0;
  std::printf("%-24s %8s %8s  %s\n", "file", "cases", "failed", "first failure");
  for (const CaseFileResult& result : results) {
    std::printf("%-24s %8d %8d  %s\n", result.file.c_str(), result.num_cases, result.num_failed, result.first_failure.c_str());
    num_cases += result.num_cases;
    num_failed += result.num_failed;
  }
  std::printf("%-24s %8d %8d\n", "all", num_cases, num_failed);
  if (num_cases == 0) std::printf("%s holds no cases\n", cases_folder.c_str());
  return num_cases > 0 && num_failed == 0 ? 0 : 1;
}

}  // namespace spyhop
