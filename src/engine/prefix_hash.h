// Names for what KV blocks hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/block_pool.h"
#include "prompt/prepare.h"

namespace spyhop {

/// Hashes of a sequence's full blocks, each over its own tokens and the hash before it, so that equal hashes mean equal
/// prefixes. Image tokens count with the content of their image. Blocks of requests with different salts are never equal.
/// Thread safety: one thread.
class PrefixHasher {
 public:
  /// `images` outlives the hasher.
  PrefixHasher(int block_size, const std::string& salt, const std::vector<PreparedImage>& images);

  /// The hashes of the full blocks of `tokens`, which only ever grow. The reference holds until the next call.
  const std::vector<BlockHash>& hashes(const std::vector<int32_t>& tokens);

 private:
  BlockHash hash_block(const std::vector<int32_t>& tokens, size_t index) const;

  size_t block_size_;
  BlockHash root_;
  const std::vector<PreparedImage>& images_;
  std::vector<BlockHash> hashes_;
};

}  // namespace spyhop
