// A file that is being downloaded in chunks, in any order, and can be continued after the process was killed.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "hub/content_hash.h"
#include "hub/http_transfer.h"

namespace spyhop {

struct PartialFileSpec {
  std::string path;  // of the partial content; beside it "PATH.map" says which bytes are there
  int64_t size = 0;  // of the whole file
  int64_t chunk_bytes = int64_t{32} << 20;
  ContentDigest digest;  // what the content will be checked against
  std::string identity;  // of the content on the hub: what another content left behind is not continued
};

/// The map is shared memory over its file and is written after the bytes it stands for, so it is true whenever the process is
/// killed: no byte that had been written is fetched again.
/// Thread safety: chunks may be written by different threads at the same time, one thread each; hashing and commit() by one
/// thread at a time, beside them.
class PartialFile {
 public:
  /// Continues what is there, or begins anew with the disk space taken. Throws Error{kModelLoad}: no space, no right to write.
  explicit PartialFile(PartialFileSpec spec);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int64_t size() const { return spec_.size; }
  size_t num_chunks() const { return complete_.size(); }
  /// What is not there of a chunk; empty when it is complete. By the thread that writes it.
  ByteRange missing(size_t chunk) const;
  bool is_complete(size_t chunk) const;
  /// Bytes that are there. Any thread, any time.
  int64_t num_done_bytes() const { return num_done_; }

  /// Appends to a chunk. Throws Error{kModelLoad}.
  void append(size_t chunk, const char* data, size_t size);
  /// Writes at a place of the file, over chunks: for servers that send whole files only. No other thread may write meanwhile.
  void write_at(int64_t offset, const char* data, size_t size);

  /// Hashes the complete chunks that follow what is hashed already. Returns whether the whole file is.
  bool hash_on();
  /// Whether chunks wait for hash_on(), or, the whole file being hashed, for commit().
  bool has_work() const;

  /// Renames the file to `final_path` if its content is the right one and returns true; else forgets all that is there, so that
  /// it can be fetched again, and returns false. Only after hash_on() returned true.
  bool commit(const std::string& final_path);

 private:
  bool take_over();
  void begin();
  void close_files();
  ByteRange bounds(size_t chunk) const;
  void write_bytes(int64_t offset, const char* data, size_t size);
  void mark(size_t chunk, uint32_t num_bytes);

  const PartialFileSpec spec_;
  int file_ = -1;
  char* map_ = nullptr;         // the map's file: a header, then a count of bytes per chunk
  uint32_t* counts_ = nullptr;  // in map_
  std::atomic<int64_t> num_done_{0};

  mutable std::mutex mutex_;
  std::vector<bool> complete_;  // guarded by mutex_
  size_t num_hashed_ = 0;       // chunks; guarded by mutex_
  ContentHash hash_;
};

}  // namespace spyhop
