// Scheduled sequences -> what the runner takes.
#pragma once

#include <ATen/core/Tensor.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/scheduler.h"
#include "runtime/runner.h"

namespace spyhop {

/// Keeps the encoded images of the requests in flight. Thread safety: engine thread only.
class BatchBuilder {
 public:
  BatchBuilder(Runner& runner, ProcessorConfig processor, int tiles_per_step)
      : runner_(runner), processor_(std::move(processor)), tiles_per_step_(tiles_per_step) {}

  /// Sends the next tiles of the request's images through the vision tower.
  void encode_next(Request& request);

  /// One chunk per scheduled sequence. Pure: nothing about the sequences changes.
  std::vector<SequenceChunk> build(const Step& step) const;

  /// Drops a request's features.
  void forget(const Request& request) { images_.erase(&request); }

 private:
  struct EncodedImage {
    std::vector<at::Tensor> tiles;  // [t*t, hidden] each, until all are there
    at::Tensor rows;                // [num_tokens, hidden], then
  };
  void encode_tiles(const PreparedImage& image, EncodedImage& encoded, int count);

  Runner& runner_;
  ProcessorConfig processor_;
  int tiles_per_step_;
  std::unordered_map<const Request*, std::vector<EncodedImage>> images_;
};

}  // namespace spyhop
