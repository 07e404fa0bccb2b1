#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/sha256.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kHeaderBytes = 128;
constexpr size_t kReadBytes = size_t{1} << 20;

std::string map_path(const PartialFileSpec& spec) {
  return spec.path + ".map";
}

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::kModelLoad, path + ": " + what + ": " + std::strerror(errno));
}

/// What the map of this very content begins with.
std::string header_of(const PartialFileSpec& spec) {
  std::string header = "spyhop partial 1 " + std::to_string(spec.size) + " " + std::to_string(spec.chunk_bytes) + " " +
                       sha256_hex(spec.identity);
  header.resize(kHeaderBytes);
  return header;
}

size_t count_chunks(const PartialFileSpec& spec) {
  return static_cast<size_t>((spec.size + spec.chunk_bytes - 1) / spec.chunk_bytes);
}

size_t map_bytes(const PartialFileSpec& spec) {
  return kHeaderBytes + count_chunks(spec) * sizeof(uint32_t);
}

int open_file(const std::string& path) {
  constexpr mode_t kReadableByAll = 0644;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kReadableByAll);
  if (file < 0) fail(path, "cannot be opened");
  return file;
}

int64_t size_of(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 ? static_cast<int64_t>(status.st_size) : -1;
}

char* map_shared(const std::string& path, size_t size) {
  const int file = open_file(path);
  void* mapped = MAP_FAILED;
  if (size_of(file) == static_cast<int64_t>(size) || ::ftruncate(file, static_cast<off_t>(size)) == 0) {
    mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  const int reason = errno;
  ::close(file);
  errno = reason;
  if (mapped == MAP_FAILED) fail(path, "cannot be mapped");
  return static_cast<char*>(mapped);
}

}  // namespace

PartialFile::PartialFile(PartialFileSpec spec)
    : spec_(std::move(spec)), complete_(count_chunks(spec_)), hash_(spec_.digest.kind, spec_.size) {
  // A write over a limit of file sizes must fail, not end the process.
  static const auto kPreviousHandler = std::signal(SIGXFSZ, SIG_IGN);
  static_cast<void>(kPreviousHandler);
  try {
    file_ = open_file(spec_.path);
    map_ = map_shared(map_path(spec_), map_bytes(spec_));
    static_assert(kHeaderBytes % alignof(uint32_t) == 0, "the counts are aligned");
    counts_ = reinterpret_cast<uint32_t*>(map_ + kHeaderBytes);
    if (!take_over()) begin();
  } catch (...) {
    close_files();
    throw;
  }
}

PartialFile::~PartialFile() {
  close_files();
}

void PartialFile::close_files() {
  if (map_ != nullptr) ::munmap(map_, map_bytes(spec_));
  if (file_ >= 0) ::close(file_);
  map_ = nullptr;
  file_ = -1;
}

/// Continues where an earlier process ended. False when what is there is not of this content.
bool PartialFile::take_over() {
  if (size_of(file_) != spec_.size || std::memcmp(map_, header_of(spec_).data(), kHeaderBytes) != 0) return false;
  int64_t num_done = 0;
  for (size_t chunk = 0; chunk < num_chunks(); ++chunk) {
    const ByteRange whole = bounds(chunk);
    if (counts_[chunk] > whole.end - whole.begin) return false;
    complete_[chunk] = counts_[chunk] == whole.end - whole.begin;
    num_done += counts_[chunk];
  }
  num_done_ = num_done;
  return true;
}

void PartialFile::begin() {
  std::memset(map_, 0, map_bytes(spec_));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::fill(complete_.begin(), complete_.end(), false);
    num_hashed_ = 0;
  }
  num_done_ = 0;
  hash_ = ContentHash(spec_.digest.kind, spec_.size);
  if (::ftruncate(file_, 0) != 0) fail(spec_.path, "cannot be emptied");
  if (spec_.size > 0 && ::fallocate(file_, 0, 0, spec_.size) != 0) {
    const bool is_known = errno == EOPNOTSUPP || errno == ENOSYS;
    if (!is_known || ::ftruncate(file_, spec_.size) != 0) {
      const int reason = errno;
      static_cast<void>(::ftruncate(file_, 0));
      errno = reason;
      fail(spec_.path, "no room for " + std::to_string(spec_.size) + " bytes");
    }
  }
  std::memcpy(map_, header_of(spec_).data(), kHeaderBytes);
}

ByteRange PartialFile::bounds(size_t chunk) const {
  const int64_t begin = static_cast<int64_t>(chunk) * spec_.chunk_bytes;
  return {begin, std::min(begin + spec_.chunk_bytes, spec_.size)};
}

ByteRange PartialFile::missing(size_t chunk) const {
  const ByteRange whole = bounds(chunk);
  return {whole.begin + counts_[chunk], whole.end};
}

bool PartialFile::is_complete(size_t chunk) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return complete_[chunk];
}

void PartialFile::write_bytes(int64_t offset, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t wrote = ::pwrite(file_, data, size, static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) fail(spec_.path, "cannot be written");
    data += wrote;
    offset += wrote;
    size -= static_cast<size_t>(wrote);
  }
}

/// The first `num_bytes` bytes of a chunk are there, and were not before.
void PartialFile::mark(size_t chunk, uint32_t num_bytes) {
  num_done_ += num_bytes - counts_[chunk];
  counts_[chunk] = num_bytes;
  const ByteRange whole = bounds(chunk);
  if (num_bytes < whole.end - whole.begin) return;
  // Begins to write to the disk what commit() must wait for.
  static_cast<void>(::sync_file_range(file_, whole.begin, num_bytes, SYNC_FILE_RANGE_WRITE));
  const std::lock_guard<std::mutex> lock(mutex_);
  complete_[chunk] = true;
}

void PartialFile::append(size_t chunk, const char* data, size_t size) {
  const ByteRange range = missing(chunk);
  if (static_cast<int64_t>(size) > range.end - range.begin) {
    throw Error(ErrorCode::kInternal, spec_.path + ": more bytes than a chunk takes");
  }
  write_bytes(range.begin, data, size);
  mark(chunk, counts_[chunk] + static_cast<uint32_t>(size));
}

void PartialFile::write_at(int64_t offset, const char* data, size_t size) {
  if (offset + static_cast<int64_t>(size) > spec_.size) {
    throw Error(ErrorCode::kInternal, spec_.path + ": more bytes than the file takes");
  }
  while (size > 0) {
    const auto chunk = static_cast<size_t>(offset / spec_.chunk_bytes);
    const ByteRange whole = bounds(chunk);
    const size_t part = std::min(size, static_cast<size_t>(whole.end - offset));
    const auto reached = static_cast<uint32_t>(offset + static_cast<int64_t>(part) - whole.begin);
    if (reached > counts_[chunk]) {
      write_bytes(offset, data, part);
      mark(chunk, reached);
    }
    data += part;
    offset += static_cast<int64_t>(part);
    size -= part;
  }
}

bool PartialFile::has_work() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return num_hashed_ == complete_.size() || complete_[num_hashed_];
}

bool PartialFile::hash_on() {
  std::vector<char> buffer;
  for (;;) {
    size_t chunk = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (num_hashed_ == complete_.size()) return true;
      if (!complete_[num_hashed_]) return false;
      chunk = num_hashed_;
    }
    const ByteRange whole = bounds(chunk);
    if (spec_.digest.kind != ContentDigest::Kind::kNone) buffer.resize(kReadBytes);
    for (int64_t offset = whole.begin; offset < whole.end && !buffer.empty();) {
      const size_t wanted = std::min(buffer.size(), static_cast<size_t>(whole.end - offset));
      const ssize_t got = ::pread(file_, buffer.data(), wanted, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail(spec_.path, "cannot be read back");
      hash_.update(buffer.data(), static_cast<size_t>(got));
      offset += got;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    ++num_hashed_;
  }
}

bool PartialFile::commit(const std::string& final_path) {
  if (hash_.hex() != spec_.digest.hex && spec_.digest.kind != ContentDigest::Kind::kNone) {
    begin();
    return false;
  }
  // Else a power cut could leave a file of the right name and size without its content.
  if (::fdatasync(file_) != 0) fail(spec_.path, "cannot be written to the disk");
  if (::rename(spec_.path.c_str(), final_path.c_str()) != 0) fail(final_path, "cannot be put in place");
  ::unlink(map_path(spec_).c_str());
  return true;
}

}  // namespace spyhop
