#include "engine/batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace spyhop {
namespace {

int num_tiles(const PreparedImage& image) {
  return 1 + image.grid.cols * image.grid.rows;
}

}  // namespace

void BatchBuilder::find_images(Request& request) {
  if (request.prompt.images.empty()) return;
  std::vector<at::Tensor>& features = features_[&request];
  features.resize(request.prompt.images.size());
  for (size_t i = 0; i < features.size(); ++i) {
    if (request.image_encoded[i]) continue;
    features[i] = cache_.find(request.prompt.images[i].hash);
    request.image_encoded[i] = features[i].defined();
  }
}

at::Tensor BatchBuilder::encode_tiles(const PreparedImage& image, int first, int count) {
  const int side = processor_.image_size;
  const size_t tile_bytes = size_t{3} * side * side;
  at::Tensor pixels = at::empty({count, 3, side, side}, at::kFloat);
  for (int i = 0; i < count; ++i) {
    const std::vector<float> tile =
        normalise_tile(image.tiles.data() + static_cast<size_t>(first + i) * tile_bytes, processor_);
    std::memcpy(pixels.data_ptr<float>() + static_cast<size_t>(i) * tile_bytes, tile.data(), tile_bytes * sizeof(float));
  }
  return runner_.encode_tiles(pixels);
}

bool BatchBuilder::encode_next(const EncodeTask& task) {
  const auto index = static_cast<size_t>(task.image);
  const PreparedImage& image = task.request->prompt.images[index];
  std::vector<at::Tensor>& tiles = unfinished_[image.hash];
  const int first = static_cast<int>(tiles.size());
  const int count = std::min(limits_.tiles_per_step, num_tiles(image) - first);
  for (at::Tensor& features : encode_tiles(image, first, count).unbind(0)) tiles.push_back(std::move(features));
  if (static_cast<int>(tiles.size()) < num_tiles(image)) return false;
  const at::Tensor rows = runner_.arrange_image(at::stack(tiles), image.grid.cols, image.grid.rows);
  unfinished_.erase(image.hash);
  cache_.insert(image.hash, rows);
  features_[task.request][index] = rows;
  task.request->image_encoded[index] = true;
  return true;
}

std::vector<SequenceChunk> BatchBuilder::build(const Step& step) const {
  std::vector<SequenceChunk> chunks;
  for (const ScheduledSequence& scheduled : step.sequences) {
    Sequence& sequence = *scheduled.sequence;
    const int begin = sequence.num_computed();
    const int end = begin + scheduled.num_tokens;
    SequenceChunk chunk;
    chunk.token_ids.assign(sequence.tokens().begin() + begin, sequence.tokens().begin() + end);
    chunk.first_position = begin;
    chunk.block_table = sequence.blocks.ids();
    if (end == sequence.num_tokens()) chunk.sampler = &sequence.sampler();
    const std::vector<PreparedImage>& images = sequence.request().prompt.images;
    for (size_t i = 0; i < images.size(); ++i) {
      const int first = std::max(begin, images[i].first_token);
      const int last = std::min(end, images[i].first_token + images[i].num_tokens);
      if (first >= last) continue;
      const at::Tensor& rows = features_.at(&sequence.request())[i];
      chunk.features.push_back({first - begin, rows.narrow(0, first - images[i].first_token, last - first)});
    }
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

void BatchBuilder::forget(const Request& request) {
  features_.erase(&request);
  // Another request that waits for the same image begins it anew: rarer than a cache for its parts would be worth.
  for (const PreparedImage& image : request.prompt.images) unfinished_.erase(image.hash);
}

}  // namespace spyhop
