#include "hub/cache_files.h"

#include <filesystem>
#include <system_error>

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
