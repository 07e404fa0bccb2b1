// What the images of requests in flight are to the language model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/scheduler.h"
#include "engine/vision_cache.h"
#include "runtime/runner.h"

namespace spyhop {

struct VisionLimits {
  int tiles_at_once = 1;                     // that go through the tower together
  int64_t cache_bytes = int64_t{256} << 20;  // encoded images kept for later requests
};

/// Encodes images slice by slice, each content once, and keeps their rows for the requests that need them. Thread safety:
/// engine thread only.
class ImageFeatures {
 public:
  ImageFeatures(Runner& runner, ProcessorConfig processor, const VisionLimits& limits)
      : runner_(runner), processor_(std::move(processor)), limits_(limits), cache_(limits.cache_bytes) {}

  /// Takes up a request: marks those of its images as encoded whose rows are at hand.
  void add(Request& request);

  /// Takes an image further by as many layers as the task allows. With the last of them its rows go to every request that waits
  /// for it. When it throws, what had been done of the image is dropped.
  void encode(const EncodeTask& task);

  /// Rows of an encoded image: [num_tokens, hidden] in the compute type.
  const at::Tensor& rows(const Request& request, size_t image) const { return requests_.at(&request).rows[image]; }

  /// Drops a request's rows, and what has been encoded of images that nobody else waits for.
  void forget(const Request& request);

  /// Images begun and not finished.
  int num_unfinished() const { return static_cast<int>(unfinished_.size()); }

 private:
  struct Held {
    Request* request = nullptr;
    std::vector<at::Tensor> rows;  // per image; undefined before
  };

  struct Unfinished {
    std::vector<at::Tensor> tiles;  // [t*t, hidden] of its first ones
    TileEncoding current;           // the next ones
  };

  void advance(const PreparedImage& image, int num_layers, Unfinished& unfinished);
  at::Tensor pixels_of(const PreparedImage& image, size_t first) const;
  void hand_out(const std::string& hash, const at::Tensor& rows);
  static void give(Held& held, size_t image, const at::Tensor& rows);
  bool is_awaited(const std::string& hash) const;

  Runner& runner_;
  ProcessorConfig processor_;
  VisionLimits limits_;
  VisionCache cache_;
  std::unordered_map<std::string, Unfinished> unfinished_;  // by image
  std::unordered_map<const Request*, Held> requests_;       // those with images
};

}  // namespace spyhop
