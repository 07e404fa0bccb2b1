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

void BatchBuilder::encode_tiles(const PreparedImage& image, EncodedImage& encoded, int count) {
  const int side = processor_.image_size;
  const size_t tile_bytes = size_t{3} * side * side;
  at::Tensor pixels = at::empty({count, 3, side, side}, at::kFloat);
  for (int i = 0; i < count; ++i) {
    const std::vector<float> tile = normalise_tile(image.tiles.data() + (encoded.tiles.size() + i) * tile_bytes, processor_);
    std::memcpy(pixels.data_ptr<float>() + i * tile_bytes, tile.data(), tile_bytes * sizeof(float));
  }
  for (at::Tensor& features : runner_.encode_tiles(pixels).unbind(0)) encoded.tiles.push_back(std::move(features));
}

void BatchBuilder::encode_next(Request& request) {
  std::vector<EncodedImage>& images = images_[&request];
  images.resize(request.prompt.images.size());
  int budget = tiles_per_step_;
  for (size_t i = 0; i < images.size() && budget > 0; ++i) {
    const PreparedImage& image = request.prompt.images[i];
    if (images[i].rows.defined()) continue;
    const int count = std::min(budget, num_tiles(image) - static_cast<int>(images[i].tiles.size()));
    encode_tiles(image, images[i], count);
    request.num_encoded_tiles += count;
    budget -= count;
    if (static_cast<int>(images[i].tiles.size()) < num_tiles(image)) continue;
    images[i].rows = runner_.arrange_image(at::stack(images[i].tiles), image.grid.cols, image.grid.rows);
    images[i].tiles.clear();
  }
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
      const at::Tensor& rows = images_.at(&sequence.request())[i].rows;
      chunk.features.push_back({first - begin, rows.narrow(0, first - images[i].first_token, last - first)});
    }
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

}  // namespace spyhop
