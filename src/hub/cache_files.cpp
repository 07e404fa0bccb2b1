#include "hub/cache_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "registry/model_id.h"
#include "spyhop/error.h"

namespace spyhop {

namespace fs = std::filesystem;

void make_parent_folder(const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kModelLoad, folder.string() + ": cannot be made: " + error.message());
}

int64_t file_size_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return -1;
  const uintmax_t size = fs::file_size(path, error);
  return error ? -1 : static_cast<int64_t>(size);
}

bool holds_content(const std::string& path, const RepoFile& file) {
  return file_size_of(path) == file.size && file_digest(path, file.digest.kind) == file.digest.hex;
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (fs::is_directory(each->symlink_status(error))) names.push_back(each->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void add_model_id(std::vector<std::string>& ids, const std::string& folder_name) {
  const size_t border = folder_name.find("--");
  if (border == std::string::npos) return;
  const std::string id = folder_name.substr(0, border) + "/" + folder_name.substr(border + 2);
  if (is_model_id(id)) ids.push_back(id);
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (!fs::is_regular_file(each->symlink_status(error))) continue;
    names.push_back(each->path().lexically_relative(folder).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

int64_t content_bytes(const std::string& folder) {
  int64_t total = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    total += std::max<int64_t>(file_size_of(each->path().string()), 0);
  }
  return total;
}

int64_t disk_bytes(const std::string& path) {
  constexpr int64_t kBlock = 512;
  std::set<std::pair<dev_t, ino_t>> seen;
  int64_t total = 0;
  const auto count = [&](const fs::path& file) {
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    if (seen.emplace(status.st_dev, status.st_ino).second) total += status.st_blocks * kBlock;
  };
  count(path);
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error))) return 0;
  for (fs::recursive_directory_iterator each(path, error), end; !error && each != end; each.increment(error)) {
    count(each->path());
  }
  return total;
}

void add_unfinished(std::vector<CachedSnapshot>& snapshots, int64_t bytes, const std::string& path) {
  if (bytes == 0) return;
  for (CachedSnapshot& snapshot : snapshots) {
    if (snapshot.is_whole) continue;
    snapshot.bytes += bytes;
    return;
  }
  snapshots.push_back({"", "", path, bytes, false});
}

void replace_link(const std::string& path, const std::string& target) {
  make_parent_folder(path);
  const std::string temporary = path + ".spyhop-link";
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, path, error);
  if (error) throw Error(ErrorCode::kModelLoad, path + ": cannot be linked: " + error.message());
}

}  // namespace spyhop
