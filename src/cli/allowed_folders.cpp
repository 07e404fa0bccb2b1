#include "cli/allowed_folders.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

}  // namespace

void require_allowed_folder(const std::string& path, const std::vector<std::string>& folders, const std::string& param) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (!error && fs::is_directory(real, error)) {
    for (const std::string& folder : folders) {
      const fs::path allowed = fs::canonical(folder, error);
      if (!error && is_below(real, allowed)) return;
    }
  }
  throw Error(ErrorCode::kForbidden,
              "the folder " + in_quotes(path) +
                  " is not one that clients may name; start the server with --allow-model-path and "
                  "an existing folder above it",
              param);
}

}  // namespace spyhop
