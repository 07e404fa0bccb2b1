#include "engine/image_features.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace spyhop {
namespace {

size_t num_tiles(const PreparedImage& image) {
  return 1 + static_cast<size_t>(image.grid.cols) * static_cast<size_t>(image.grid.rows);
}

}  // namespace

void ImageFeatures::give(Held& held, size_t image, const at::Tensor& rows) {
  held.rows[image] = rows;
  held.request->image_encoded[image] = true;
  std::vector<uint8_t>().swap(held.request->prompt.images[image].tiles);  // a queue of large images is large
}

void ImageFeatures::add(Request& request) {
  const std::vector<PreparedImage>& images = request.prompt.images;
  if (images.empty()) return;
  Held& held = requests_[&request];
  held.request = &request;
  held.rows.resize(images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    const at::Tensor rows = cache_.find(images[i].hash);
    if (rows.defined()) give(held, i, rows);
  }
}

/// The image's next tiles, normalised: [count, 3, S, S].
at::Tensor ImageFeatures::pixels_of(const PreparedImage& image, size_t first) const {
  const size_t count = std::min(static_cast<size_t>(limits_.tiles_at_once), num_tiles(image) - first);
  const int side = processor_.image_size;
  const size_t tile_size = size_t{3} * static_cast<size_t>(side) * static_cast<size_t>(side);
  at::Tensor pixels = at::empty({static_cast<int64_t>(count), 3, side, side}, at::kFloat);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float> tile = normalise_tile(image.tiles.data() + (first + i) * tile_size, processor_);
    std::memcpy(pixels.data_ptr<float>() + i * tile_size, tile.data(), tile_size * sizeof(float));
  }
  return pixels;
}

/// A layer counts once per tile; at least one is run.
void ImageFeatures::advance(const PreparedImage& image, int num_layers, Unfinished& unfinished) {
  while (num_layers > 0 && unfinished.tiles.size() < num_tiles(image)) {
    TileEncoding& current = unfinished.current;
    if (current.done()) current = runner_.begin_tiles(pixels_of(image, unfinished.tiles.size()));
    const int count = std::max(1, limits_.tiles_at_once);
    const int before = current.num_done;
    runner_.advance_tiles(current, std::max(1, num_layers / count));
    num_layers -= (current.num_done - before) * count;
    if (!current.done()) continue;
    for (at::Tensor& features : current.features.unbind(0)) unfinished.tiles.push_back(std::move(features));
  }
}

void ImageFeatures::encode(const EncodeTask& task) {
  const PreparedImage& image = task.request->prompt.images[static_cast<size_t>(task.image)];
  const std::string hash = image.hash;
  try {
    Unfinished& unfinished = unfinished_[hash];
    advance(image, task.num_layers, unfinished);
    if (unfinished.tiles.size() < num_tiles(image)) return;
    const at::Tensor rows = runner_.arrange_image(at::stack(unfinished.tiles), image.grid.cols, image.grid.rows);
    cache_.insert(hash, rows);
    hand_out(hash, rows);
  } catch (...) {
    unfinished_.erase(hash);
    throw;
  }
  unfinished_.erase(hash);
}

void ImageFeatures::hand_out(const std::string& hash, const at::Tensor& rows) {
  for (auto& [request, held] : requests_) {
    for (size_t i = 0; i < held.rows.size(); ++i) {
      if (!held.rows[i].defined() && request->prompt.images[i].hash == hash) give(held, i, rows);
    }
  }
}

bool ImageFeatures::is_awaited(const std::string& hash) const {
  for (const auto& [request, held] : requests_) {
    for (size_t i = 0; i < held.rows.size(); ++i) {
      if (!held.rows[i].defined() && request->prompt.images[i].hash == hash) return true;
    }
  }
  return false;
}

void ImageFeatures::forget(const Request& request) {
  if (requests_.erase(&request) == 0) return;
  for (auto it = unfinished_.begin(); it != unfinished_.end();)
    it = is_awaited(it->first) ? std::next(it) : unfinished_.erase(it);
}

}  // namespace spyhop
