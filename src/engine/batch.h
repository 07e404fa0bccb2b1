// Scheduled sequences -> what the runner takes.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/scheduler.h"
#include "engine/vision_cache.h"
#include "runtime/runner.h"

namespace spyhop {

struct VisionLimits {
  int tiles_per_step = 1;
  int64_t cache_bytes = int64_t{256} << 20;  // encoded images kept for later requests
};

/// Encodes images, each content once, and puts steps into the runner's terms. Thread safety: engine thread only.
class BatchBuilder {
 public:
  BatchBuilder(Runner& runner, ProcessorConfig processor, const VisionLimits& limits)
      : runner_(runner), processor_(std::move(processor)), limits_(limits), cache_(limits.cache_bytes) {}

  /// Marks those of the request's images as encoded whose features are at hand.
  void find_images(Request& request);

  /// Sends the next tiles of an image through the vision tower. True when that was the last of them: other requests may have
  /// waited for the same image.
  bool encode_next(const EncodeTask& task);

  /// One chunk per scheduled sequence. Pure: nothing about the sequences changes.
  std::vector<SequenceChunk> build(const Step& step) const;

  /// Drops a request's features, and what has been encoded of images that nobody else may want.
  void forget(const Request& request);

 private:
  at::Tensor encode_tiles(const PreparedImage& image, int first, int count);

  Runner& runner_;
  ProcessorConfig processor_;
  VisionLimits limits_;
  VisionCache cache_;
  std::unordered_map<std::string, std::vector<at::Tensor>> unfinished_;   // by image: [t*t, hidden] of its first tiles
  std::unordered_map<const Request*, std::vector<at::Tensor>> features_;  // per image: [num_tokens, hidden], undefined before
};

}  // namespace spyhop
