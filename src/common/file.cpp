#include "common/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace spyhop {

std::string read_text_file(const std::string& path, size_t max_bytes, ErrorCode code) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw Error(code, path + ": no such file");
  if (status.type() == fs::file_type::directory) throw Error(code, path + ": a folder; allowed: a file");
  // A pipe or a device could block or never end.
  if (status.type() != fs::file_type::regular) {
    throw Error(code, path + ": " + (error ? error.message() : "no regular file") + "; allowed: a regular file");
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(code, path + ": cannot be opened: " + std::strerror(errno));
  const uintmax_t size = fs::file_size(path, error);
  if (error) throw Error(code, path + ": " + error.message());
  if (size > max_bytes) {
    throw Error(code, path + ": " + std::to_string(size) + " bytes; allowed: at most " + std::to_string(max_bytes));
  }
  std::string text(static_cast<size_t>(size), '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  if (static_cast<uintmax_t>(in.gcount()) != size) {
    throw Error(code, path + ": only " + std::to_string(in.gcount()) + " of " + std::to_string(size) + " bytes can be read");
  }
  return text;
}

}  // namespace spyhop
