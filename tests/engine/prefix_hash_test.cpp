#include "engine/prefix_hash.h"

#include <gtest/gtest.h>

#include <numeric>

namespace spyhop {
namespace {

const std::vector<PreparedImage> kNoImages;

std::vector<int32_t> some_tokens(int count) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 100);
  return tokens;
}

TEST(PrefixHasher, HashesFullBlocksOnly) {
  PrefixHasher hasher(16, "", kNoImages);
  EXPECT_EQ(hasher.hashes(some_tokens(15)).size(), 0U);
  EXPECT_EQ(hasher.hashes(some_tokens(16)).size(), 1U);
  EXPECT_EQ(hasher.hashes(some_tokens(47)).size(), 2U);
}

TEST(PrefixHasher, GrowingTokensGiveTheSameHashesAsAllAtOnce) {
  PrefixHasher grown(4, "", kNoImages);
  for (int n = 1; n < 20; ++n) grown.hashes(some_tokens(n));
  PrefixHasher whole(4, "", kNoImages);
  EXPECT_EQ(grown.hashes(some_tokens(20)), whole.hashes(some_tokens(20)));
}

TEST(PrefixHasher, ADifferenceChangesItsBlockAndAllAfterIt) {
  std::vector<int32_t> tokens = some_tokens(16);
  PrefixHasher first(4, "", kNoImages);
  const std::vector<BlockHash> before = first.hashes(tokens);
  tokens[5] = 0;
  PrefixHasher second(4, "", kNoImages);
  const std::vector<BlockHash> after = second.hashes(tokens);
  EXPECT_EQ(before[0], after[0]);
  for (size_t i = 1; i < 4; ++i) EXPECT_NE(before[i], after[i]);
}

TEST(PrefixHasher, SaltsKeepTenantsApart) {
  PrefixHasher a(4, "a", kNoImages);
  PrefixHasher b(4, "b", kNoImages);
  EXPECT_NE(a.hashes(some_tokens(4))[0], b.hashes(some_tokens(4))[0]);
}

TEST(PrefixHasher, AnImagesContentCountsInTheBlocksThatItTouches) {
  std::vector<PreparedImage> red(1);
  red[0].first_token = 6;
  red[0].num_tokens = 4;
  red[0].hash = "red";
  std::vector<PreparedImage> blue = red;
  blue[0].hash = "blue";
  PrefixHasher a(4, "", red);
  PrefixHasher b(4, "", blue);
  const std::vector<BlockHash> with_red = a.hashes(some_tokens(16));
  const std::vector<BlockHash> with_blue = b.hashes(some_tokens(16));
  EXPECT_EQ(with_red[0], with_blue[0]);
  EXPECT_NE(with_red[1], with_blue[1]);
  EXPECT_NE(with_red[3], with_blue[3]);
}

}  // namespace
}  // namespace spyhop
