#include "common/gzip_file.h"

#include <zlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

struct GzClose {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kModelLoad, path + ": " + what);
}

}  // namespace

std::string read_file_or_gzip(const std::string& path, size_t max_bytes) {
  std::error_code status;
  const bool is_regular = std::filesystem::is_regular_file(path, status);
  if (!is_regular) fail(path, std::filesystem::exists(path, status) ? "is not a regular file" : "does not exist");
  const std::unique_ptr<gzFile_s, GzClose> file(gzopen(path.c_str(), "rb"));
  if (!file) fail(path, "cannot be opened");
  std::string bytes;
  std::string chunk(kChunkBytes, '\0');
  for (;;) {
    const int got = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    int code = Z_OK;
    const char* const message = gzerror(file.get(), &code);
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) fail(path, std::string("cannot be read: ") + message);
    if (got == 0) break;
    if (bytes.size() + static_cast<size_t>(got) > max_bytes) {
      fail(path, "holds more than " + std::to_string(max_bytes) + " bytes, the most that is allowed");
    }
    bytes.append(chunk, 0, static_cast<size_t>(got));
  }
  return bytes;
}

}  // namespace spyhop
