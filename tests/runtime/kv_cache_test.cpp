#include "runtime/kv_cache.h"

#include <gtest/gtest.h>

#include "spyhop/error.h"
#include "tensors.h"

namespace spyhop {
namespace {

using testing::random_tensor;

KvCacheShape small_shape() {
  return {2, 6, 4, {3, 5}};
}

TEST(KvCache, HasOneStorePerLayerAndRowKind) {
  KvCache cache(small_shape(), at::TensorOptions().dtype(at::kBFloat16));
  for (const int layer : {0, 1}) {
    ASSERT_EQ(cache.layer(layer).size(), 2U);
    EXPECT_EQ(cache.layer(layer)[0].blocks().sizes(), (std::vector<int64_t>{6, 4, 3}));
    EXPECT_EQ(cache.layer(layer)[1].blocks().sizes(), (std::vector<int64_t>{6, 4, 5}));
    EXPECT_EQ(cache.layer(layer)[1].blocks().scalar_type(), at::kBFloat16);
  }
}

TEST(KvStore, GathersWhatWasWrittenInAnyChunks) {
  const std::vector<int32_t> table = {5, 0, 3};
  const at::Tensor rows = random_tensor({11, 3}, 1);
  for (const int64_t chunk : {1, 3, 4, 11}) {
    KvStore store(small_shape(), 3, at::TensorOptions().dtype(at::kFloat));
    for (int64_t first = 0; first < 11; first += chunk) {
      store.write(table, first, rows.narrow(0, first, std::min<int64_t>(chunk, 11 - first)));
    }
    EXPECT_TRUE(at::equal(store.gather(table, 11), rows));
    EXPECT_TRUE(at::equal(store.gather(table, 5), rows.narrow(0, 0, 5)));
    EXPECT_TRUE(at::equal(store.blocks()[5], rows.narrow(0, 0, 4)));
  }
}

TEST(KvStore, KeepsSequencesApart) {
  KvStore store(small_shape(), 3, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor first = random_tensor({6, 3}, 2);
  const at::Tensor second = random_tensor({8, 3}, 3);
  store.write({1, 2}, 0, first);
  store.write({0, 4}, 0, second);
  EXPECT_TRUE(at::equal(store.gather({1, 2}, 6), first));
  EXPECT_TRUE(at::equal(store.gather({0, 4}, 8), second));
}

TEST(KvStore, RefusesPositionsPastTheTable) {
  KvStore store(small_shape(), 3, at::TensorOptions().dtype(at::kFloat));
  EXPECT_THROW(store.write({0}, 3, at::ones({2, 3})), Error);
  EXPECT_THROW(store.gather({0}, 5), Error);
}

}  // namespace
}  // namespace spyhop
