#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "common/file.h"
#include "common/json_fields.h"
#include "runtime/safetensors.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr size_t kMaxIndexBytes = 100'000'000;
constexpr size_t kMaxShards = 1000;

/// Names of the tensors that the index puts into each shard.
using ShardMap = std::map<std::string, std::set<std::string>>;

/// True for a name that stays in its folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

ShardMap read_index(const std::string& path) {
  const json index = parse_json(read_text_file(path, kMaxIndexBytes), path);
  ProblemList problems;
  JsonFields fields(index, path, "", problems);
  fields.object("weight_map", /*required=*/true);
  problems.throw_if_any(ErrorCode::kModelLoad, "the checkpoint's index cannot be used");

  ShardMap shards;
  for (const auto& entry : index["weight_map"].items()) {
    const json& file = entry.value();
    if (!file.is_string() || !is_plain_name(file.get_ref<const std::string&>())) {
      problems.add("weight_map: tensor " + in_quotes(entry.key()) + " is in file " + describe_json(file) +
                   "; allowed: the name of a file in the same folder");
      continue;
    }
    shards[file.get<std::string>()].insert(entry.key());
  }
  if (shards.empty() && problems.empty()) problems.add("weight_map names no file");
  if (shards.size() > kMaxShards) {
    problems.add("weight_map names " + std::to_string(shards.size()) + " files; allowed: at most " +
                 std::to_string(kMaxShards));
  }
  problems.throw_if_any(ErrorCode::kModelLoad, path);
  return shards;
}

/// Holds a shard against what the index says about it.
void check_shard(const SafetensorsFile& file, const std::set<std::string>& indexed, ProblemList& problems) {
  for (const std::string& name : indexed) {
    if (file.find(name) == nullptr) problems.add(file.path() + ": tensor " + in_quotes(name) + " of the index is missing");
  }
  for (const StoredTensor& tensor : file.tensors()) {
    if (indexed.count(tensor.name) == 0) {
      problems.add(file.path() + ": tensor " + in_quotes(tensor.name) + " is not in the index, or there in another file");
    }
  }
}

}  // namespace

SafetensorsFolder SafetensorsFolder::open(const std::string& dir) {
  SafetensorsFolder folder;
  const fs::path base(dir);
  std::error_code error;
  if (!fs::is_directory(base, error)) throw Error(ErrorCode::kModelLoad, dir + ": no such folder");
  // As transformers does: the single file wins over an index.
  if (fs::exists(base / kSingleName, error)) {
    folder.files_.push_back(SafetensorsFile::open((base / kSingleName).string()));
    return folder;
  }
  const std::string index = (base / kIndexName).string();
  if (!fs::exists(index, error)) {
    throw Error(ErrorCode::kModelLoad, dir + ": no weights; looked for " + kSingleName + " and " + kIndexName);
  }
  ProblemList problems;
  for (const auto& [name, tensors] : read_index(index)) {
    try {
      folder.files_.push_back(SafetensorsFile::open((base / name).string()));
      check_shard(folder.files_.back(), tensors, problems);
    } catch (const Error& e) {
      problems.add(e.what());
    }
  }
  problems.throw_if_any(ErrorCode::kModelLoad, "the checkpoint's shards cannot be used");
  return folder;
}

size_t SafetensorsFolder::num_tensors() const {
  size_t count = 0;
  for (const SafetensorsFile& file : files_) count += file.tensors().size();
  return count;
}

SafetensorsFolder::Located SafetensorsFolder::find(const std::string& name) const {
  for (const SafetensorsFile& file : files_) {
    if (const StoredTensor* tensor = file.find(name)) return {&file, tensor};
  }
  return {};
}

}  // namespace spyhop
