#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
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

void replace_text_file(const std::string& path, const std::string& text, ErrorCode code, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const int file = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (file < 0) throw Error(code, path + ": cannot be written: " + std::strerror(errno));
  size_t num_written = 0;
  bool failed = ::fchmod(file, mode) != 0;
  while (!failed && num_written < text.size()) {
    const ssize_t wrote = ::write(file, text.data() + num_written, text.size() - num_written);
    if (wrote < 0 && errno == EINTR) continue;
    failed = wrote <= 0;
    if (!failed) num_written += static_cast<size_t>(wrote);
  }
  const int reason = errno;
  ::close(file);
  if (!failed && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  const std::string message = path + ": cannot be written: " + std::strerror(failed ? reason : errno);
  ::unlink(temporary.c_str());
  throw Error(code, message);
}

}  // namespace spyhop
