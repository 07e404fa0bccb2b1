#include "engine/block_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(BlockPool, RoundsTokensUpToBlocks) {
  BlockPool pool(4, 16);
  EXPECT_EQ(pool.blocks_for(0), 0);
  EXPECT_EQ(pool.blocks_for(1), 1);
  EXPECT_EQ(pool.blocks_for(16), 1);
  EXPECT_EQ(pool.blocks_for(17), 2);
}

TEST(BlockPool, LendsEveryBlockOnce) {
  BlockPool pool(4, 16);
  const BlockTable a = pool.allocate(20);
  const BlockTable b = pool.allocate(32);
  std::set<int32_t> ids(a.ids().begin(), a.ids().end());
  ids.insert(b.ids().begin(), b.ids().end());
  EXPECT_EQ(ids, (std::set<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(pool.num_free(), 0);
}

TEST(BlockPool, TakesBlocksBackWhenTheTableDies) {
  BlockPool pool(4, 16);
  { const BlockTable table = pool.allocate(64); }
  EXPECT_EQ(pool.num_free(), 4);
}

TEST(BlockPool, AMovedTableGivesItsBlocksBackOnce) {
  BlockPool pool(4, 16);
  {
    BlockTable a = pool.allocate(16);
    BlockTable b = std::move(a);
    a = pool.allocate(16);
    b = std::move(a);
    EXPECT_EQ(pool.num_free(), 3);
  }
  EXPECT_EQ(pool.num_free(), 4);
}

TEST(BlockPool, RefusesMoreThanIsFree) {
  BlockPool pool(2, 16);
  const BlockTable table = pool.allocate(17);
  EXPECT_THROW(pool.allocate(1), Error);
  EXPECT_EQ(pool.num_free(), 0);
}

}  // namespace
}  // namespace spyhop
