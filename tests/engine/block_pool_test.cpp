#include "engine/block_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using Ids = std::vector<int32_t>;

BlockTable table_of(BlockPool& pool, int num_tokens) {
  BlockTable table;
  pool.grow(table, 0, num_tokens);
  return table;
}

TEST(BlockPool, RoundsTokensUpToBlocks) {
  BlockPool pool(4, 16);
  EXPECT_EQ(pool.blocks_for(0), 0);
  EXPECT_EQ(pool.blocks_for(1), 1);
  EXPECT_EQ(pool.blocks_for(16), 1);
  EXPECT_EQ(pool.blocks_for(17), 2);
}

TEST(BlockPool, LendsEveryBlockOnce) {
  BlockPool pool(4, 16);
  const BlockTable a = table_of(pool, 20);
  const BlockTable b = table_of(pool, 32);
  std::set<int32_t> ids(a.ids().begin(), a.ids().end());
  ids.insert(b.ids().begin(), b.ids().end());
  EXPECT_EQ(ids, (std::set<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(pool.num_free(), 0);
}

TEST(BlockPool, ATableGrowsByABlockOnlyWhenItsLastIsFull) {
  BlockPool pool(4, 16);
  BlockTable table = table_of(pool, 15);
  EXPECT_EQ(pool.num_needed(table, 15, 1), 0);
  EXPECT_EQ(pool.num_needed(table, 16, 1), 1);
  pool.grow(table, 15, 1);
  EXPECT_EQ(table.ids().size(), 1U);
  pool.grow(table, 16, 1);
  EXPECT_EQ(table.ids().size(), 2U);
}

TEST(BlockPool, TakesBlocksBackWhenTheTableDies) {
  BlockPool pool(4, 16);
  { const BlockTable table = table_of(pool, 64); }
  EXPECT_EQ(pool.num_free(), 4);
}

TEST(BlockPool, AMovedTableGivesItsBlocksBackOnce) {
  BlockPool pool(4, 16);
  {
    BlockTable a = table_of(pool, 16);
    BlockTable b = std::move(a);
    a = table_of(pool, 16);
    b = std::move(a);
    EXPECT_EQ(pool.num_free(), 3);
  }
  EXPECT_EQ(pool.num_free(), 4);
}

TEST(BlockPool, RefusesMoreThanIsFree) {
  BlockPool pool(2, 16);
  const BlockTable table = table_of(pool, 17);
  BlockTable other;
  EXPECT_THROW(pool.grow(other, 0, 1), Error);
  EXPECT_EQ(pool.num_free(), 0);
}

TEST(BlockPool, ASharedBlockIsFreeOnceNobodyHoldsIt) {
  BlockPool pool(4, 16);
  BlockTable a = table_of(pool, 32);
  BlockTable b = pool.share(a);
  EXPECT_EQ(b.ids(), a.ids());
  EXPECT_EQ(pool.num_free(), 2);
  a.release();
  EXPECT_EQ(pool.num_free(), 2);
  b.release();
  EXPECT_EQ(pool.num_free(), 4);
}

TEST(BlockPool, WritingToASharedBlockCopiesItFirst) {
  BlockPool pool(4, 16);
  BlockTable a = table_of(pool, 20);
  BlockTable b = pool.share(a);
  EXPECT_EQ(pool.num_needed(b, 20, 1), 1);
  const std::vector<BlockCopy> copies = pool.grow(b, 20, 1);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(copies[0].from, a.ids()[1]);
  EXPECT_EQ(copies[0].to, b.ids()[1]);
  EXPECT_EQ(b.ids()[0], a.ids()[0]);
  EXPECT_NE(b.ids()[1], a.ids()[1]);
  EXPECT_TRUE(pool.grow(a, 20, 1).empty()) << "the last holder writes in place";
}

TEST(BlockPool, FindsTheLongestKnownPrefix) {
  BlockPool pool(8, 16);
  Ids ids;
  {
    const BlockTable table = table_of(pool, 48);
    ids = table.ids();
    pool.remember(table, 0, "a");
    pool.remember(table, 1, "ab");
    pool.remember(table, 2, "abc");
  }
  EXPECT_EQ(pool.num_free(), 8);
  const BlockTable found = pool.find_prefix({"a", "ab", "abX", "abc"});
  EXPECT_EQ(found.ids(), (Ids{ids[0], ids[1]}));
  EXPECT_EQ(pool.num_free(), 6);
  EXPECT_TRUE(pool.find_prefix({"b"}).ids().empty());
}

TEST(BlockPool, FreeBlocksAreForgottenLeastRecentlyUsedFirst) {
  BlockPool pool(3, 16);
  {
    const BlockTable old = table_of(pool, 16);
    pool.remember(old, 0, "old");
  }
  {
    const BlockTable recent = table_of(pool, 16);
    pool.remember(recent, 0, "recent");
  }
  const BlockTable two = table_of(pool, 32);  // the block that was never used, then "old"
  EXPECT_TRUE(pool.find_prefix({"old"}).ids().empty());
  EXPECT_EQ(pool.find_prefix({"recent"}).ids().size(), 1U);
}

TEST(BlockPool, TheEndOfAPrefixIsForgottenBeforeItsBeginning) {
  BlockPool pool(2, 16);
  {
    const BlockTable table = table_of(pool, 32);
    pool.remember(table, 0, "a");
    pool.remember(table, 1, "ab");
  }
  const BlockTable other = table_of(pool, 16);
  EXPECT_EQ(pool.find_prefix({"a", "ab"}).ids().size(), 1U);
}

TEST(BlockPool, UsedBlocksAreNeverForgotten) {
  BlockPool pool(2, 16);
  const BlockTable used = table_of(pool, 16);
  pool.remember(used, 0, "a");
  { const BlockTable other = table_of(pool, 16); }
  EXPECT_EQ(pool.find_prefix({"a"}).ids(), used.ids());
}

}  // namespace
}  // namespace spyhop
