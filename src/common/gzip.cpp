#include "common/gzip.h"

#include <zlib.h>

#include "common/file.h"

namespace spyhop {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 18;
constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to ask for a gzip header

/// Owns a zlib stream that reads one gzip file.
class Inflater {
 public:
  explicit Inflater(std::string_view compressed) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream_.avail_in = static_cast<uInt>(compressed.size());
    is_ready_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK;
  }
  ~Inflater() {
    if (is_ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool is_ready() const { return is_ready_; }
  bool has_input() const { return stream_.avail_in > 0; }
  bool next_member() { return inflateReset(&stream_) == Z_OK; }

  struct Step {
    int status;
    size_t num_bytes;
  };

  Step inflate_into(std::string& chunk) {
    stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream_.avail_out = static_cast<uInt>(chunk.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    return {status, chunk.size() - stream_.avail_out};
  }

 private:
  z_stream stream_{};
  bool is_ready_ = false;
};

}  // namespace

std::string gunzip(std::string_view compressed, size_t max_bytes, const std::string& name, ErrorCode code) {
  Inflater inflater(compressed);
  std::string data;
  std::string chunk(kChunkBytes, '\0');
  bool is_complete = false;
  while (inflater.is_ready() && !is_complete) {
    const Inflater::Step step = inflater.inflate_into(chunk);
    if (step.status != Z_OK && step.status != Z_STREAM_END) break;
    if (data.size() + step.num_bytes > max_bytes) {
      throw Error(code, name + ": more than " + std::to_string(max_bytes) + " bytes when decompressed; allowed: at most that");
    }
    data.append(chunk, 0, step.num_bytes);
    if (step.status != Z_STREAM_END) continue;
    is_complete = !inflater.has_input();
    if (!is_complete && !inflater.next_member()) break;
  }
  if (!is_complete) throw Error(code, name + ": damaged gzip data after " + std::to_string(data.size()) + " bytes");
  return data;
}

std::string read_text_or_gzip_file(const std::string& path, size_t max_bytes, ErrorCode code) {
  std::string bytes = read_text_file(path, max_bytes, code);
  const bool is_gzip = bytes.size() > 2 && bytes.compare(0, 2, "\x1f\x8b") == 0;
  return is_gzip ? gunzip(bytes, max_bytes, path, code) : bytes;
}

}  // namespace spyhop
