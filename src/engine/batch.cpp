#include "engine/batch.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <utility>

namespace spyhop {
namespace {

SequenceChunk chunk_of(const ScheduledSequence& scheduled, const ImageFeatures& features) {
  Sequence& sequence = *scheduled.sequence;
  const int begin = sequence.num_computed();
  const int end = begin + scheduled.num_tokens;
  SequenceChunk chunk;
  chunk.token_ids.assign(sequence.tokens().begin() + begin, sequence.tokens().begin() + end);
  chunk.first_position = begin;
  chunk.block_table = sequence.blocks.ids();
  if (end == sequence.num_tokens()) {
    chunk.sampler = &sequence.sampler();
    chunk.filter = sequence.guide();
  }
  const std::vector<PreparedImage>& images = sequence.request().prompt.images;
  for (size_t i = 0; i < images.size(); ++i) {
    const int first = std::max(begin, images[i].first_token);
    const int last = std::min(end, images[i].first_token + images[i].num_tokens);
    if (first >= last) continue;
    const at::Tensor& rows = features.rows(sequence.request(), i);
    chunk.features.push_back({first - begin, rows.narrow(0, first - images[i].first_token, last - first)});
  }
  return chunk;
}

}  // namespace

std::vector<SequenceChunk> build_batch(const std::vector<ScheduledSequence>& scheduled, const ImageFeatures& images) {
  std::vector<SequenceChunk> chunks;
  for (const ScheduledSequence& each : scheduled) chunks.push_back(chunk_of(each, images));
  return chunks;
}

}  // namespace spyhop
