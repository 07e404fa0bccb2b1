#include "engine/prefix_hash.h"

#include <algorithm>

#include "common/sha256.h"

namespace spyhop {

PrefixHasher::PrefixHasher(int block_size, const std::string& salt, const std::vector<PreparedImage>& images)
    : block_size_(static_cast<size_t>(block_size)), root_(sha256(salt)), images_(images) {}

BlockHash PrefixHasher::hash_block(const std::vector<int32_t>& tokens, size_t index) const {
  const size_t begin = index * block_size_;
  std::string content = index == 0 ? root_ : hashes_[index - 1];
  content.append(reinterpret_cast<const char*>(tokens.data() + begin), block_size_ * sizeof(int32_t));
  for (const PreparedImage& image : images_) {
    const auto first = static_cast<size_t>(image.first_token);
    // Where in the block an image lies follows from its tokens' ids; where in the image the block lies, from the prefix.
    if (first < begin + block_size_ && first + static_cast<size_t>(image.num_tokens) > begin) content += image.hash;
  }
  return sha256(content);
}

const std::vector<BlockHash>& PrefixHasher::hashes(const std::vector<int32_t>& tokens) {
  while ((hashes_.size() + 1) * block_size_ <= tokens.size()) hashes_.push_back(hash_block(tokens, hashes_.size()));
  return hashes_;
}

}  // namespace spyhop
