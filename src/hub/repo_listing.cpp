#include "hub/repo_listing.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <system_error>

#include "common/file.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFiles = 100'000;
constexpr size_t kMaxPath = 1024;                    // bytes
constexpr size_t kMaxName = 200;                     // bytes of a part of a path; with an ending of ours below the system's 255
constexpr int64_t kMaxFileBytes = int64_t{1} << 44;  // 16 TiB
constexpr size_t kMaxIndexBytes = size_t{64} << 20;
constexpr const char* kIndex = "model.safetensors.index.json";

bool ends_with(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

bool is_hex(const std::string& text, size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Relative, and of parts that are names.
bool is_safe_path(const std::string& path) {
  if (path.empty() || path.size() > kMaxPath) return false;
  const auto is_forbidden = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '\\'; };
  if (std::any_of(path.begin(), path.end(), is_forbidden)) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxName) return false;
    begin = end + 1;
  }
  return true;
}

bool is_digest(const ContentDigest& digest) {
  switch (digest.kind) {
    case ContentDigest::Kind::kNone:
      return digest.hex.empty();
    case ContentDigest::Kind::kSha256:
      return is_hex(digest.hex, 64);
    case ContentDigest::Kind::kGitBlob:
      return is_hex(digest.hex, 40);
  }
  return false;
}

bool is_tokenizer(const std::string& name) {
  return name == "tokenizer.json" || name == "tokenizer.model";
}

bool is_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// The names that the index gives to shards. Empty when it is no index.
std::set<std::string> shards_of(const std::string& index_path) {
  std::set<std::string> shards;
  try {
    const nlohmann::json index = nlohmann::json::parse(read_text_file(index_path, kMaxIndexBytes));
    for (const auto& entry : index.at("weight_map").items()) shards.insert(entry.value().get<std::string>());
  } catch (const std::exception&) {
    return {};
  }
  return shards;
}

}  // namespace

void check_listing(const RepoListing& listing, const std::string& source) {
  const auto refuse = [&](const std::string& what) { throw Error(ErrorCode::kModelLoad, source + ": " + what); };
  if (listing.files.size() > kMaxFiles) {
    refuse(std::to_string(listing.files.size()) + " files; allowed: at most " + std::to_string(kMaxFiles));
  }
  if (!listing.commit.empty() && !is_hex(listing.commit, 40)) {
    refuse("commit = " + in_quotes(listing.commit) + "; allowed: 40 hexadecimal digits");
  }
  std::set<std::string> seen;
  for (const RepoFile& file : listing.files) {
    const std::string name = "the hub lists the file " + in_quotes(file.path);
    if (!is_safe_path(file.path)) refuse(name + ", which could leave its folder; nothing is fetched");
    if (!seen.insert(file.path).second) refuse(name + " twice");
    if (file.size < 0 || file.size > kMaxFileBytes) refuse(name + " with " + std::to_string(file.size) + " bytes");
    if (!is_digest(file.digest)) refuse(name + " with the digest " + in_quotes(file.digest.hex) + ", which is none");
  }
}

bool is_needed(const std::string& path) {
  if (path.find('/') != std::string::npos || path[0] == '.') return false;
  return ends_with(path, ".json") || ends_with(path, ".safetensors") || path == "tokenizer.model";
}

RepoListing needed_files(const RepoListing& listing, const std::string& source) {
  RepoListing needed{listing.revision, listing.commit, {}};
  bool has_config = false;
  bool has_tokenizer = false;
  bool has_weights = false;
  for (const RepoFile& file : listing.files) {
    if (!is_needed(file.path)) continue;
    needed.files.push_back(file);
    has_config |= file.path == "config.json";
    has_tokenizer |= is_tokenizer(file.path);
    has_weights |= ends_with(file.path, ".safetensors");
  }
  std::string lacking;
  if (!has_config) lacking += ", config.json";
  if (!has_tokenizer) lacking += ", tokenizer.json (or tokenizer.model)";
  if (!has_weights) lacking += ", *.safetensors";
  if (!lacking.empty()) throw Error(ErrorCode::kModelLoad, source + " has no " + lacking.substr(2) + ": it is no checkpoint");
  std::stable_sort(needed.files.begin(), needed.files.end(),
                   [](const RepoFile& a, const RepoFile& b) { return a.size < b.size; });
  return needed;
}

bool is_whole_checkpoint(const std::string& folder) {
  const std::string prefix = folder + "/";
  if (!is_file(prefix + "config.json")) return false;
  if (!is_file(prefix + "tokenizer.json") && !is_file(prefix + "tokenizer.model")) return false;
  if (is_file(prefix + kIndex)) {
    const std::set<std::string> shards = shards_of(prefix + kIndex);
    return !shards.empty() && std::all_of(shards.begin(), shards.end(), [&](const std::string& shard) {
      return is_safe_path(shard) && is_file(prefix + shard);
    });
  }
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (each->path().extension() == ".safetensors" && each->is_regular_file(error)) return true;
  }
  return false;
}

int64_t total_bytes(const std::vector<RepoFile>& files) {
  int64_t total = 0;
  for (const RepoFile& file : files) total += file.size;
  return total;
}

}  // namespace spyhop
