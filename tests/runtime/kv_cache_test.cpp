#include "runtime/kv_cache.h"

#include <gtest/gtest.h>

#include <cmath>

#include "spyhop/error.h"
#include "tensors.h"

namespace spyhop {
namespace {

using testing::random_tensor;

using kernels::RowKind;
using kernels::RowLayout;

const RowKind kKeys{RowLayout::kKeys, 2, 6};
const RowKind kValues{RowLayout::kValues, 3, 4};
constexpr int64_t kWidth = 12;  // of both

KvCacheShape small_shape(int block_size = 16) {
  return {2, 6, block_size, {kKeys, kValues}};
}

TEST(KvCache, HasOneStorePerLayerAndRowKind) {
  KvCache cache(small_shape(), at::TensorOptions().dtype(at::kBFloat16));
  for (const int layer : {0, 1}) {
    ASSERT_EQ(cache.layer(layer).size(), 2U);
    EXPECT_EQ(cache.layer(layer)[0].paged().kind.layout, RowLayout::kKeys);
    EXPECT_EQ(cache.layer(layer)[1].paged().kind.width(), kWidth);
    EXPECT_EQ(cache.layer(layer)[1].paged().block_bytes(), 16 * kWidth * 2);
    EXPECT_EQ(cache.layer(layer)[1].paged().type, at::kBFloat16);
  }
}

TEST(KvStore, GathersWhatWasWrittenInAnyChunks) {
  for (const RowKind& kind : {kKeys, kValues}) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      for (const int block_size : {16, 48}) {
        const std::vector<int32_t> table = {5, 0, 3};
        const at::Tensor rows = random_tensor({47, kWidth}, 1, type);
        for (const int64_t chunk : {1, 3, 16, 20, 47}) {
          KvStore store(small_shape(block_size), kind, at::TensorOptions().dtype(type));
          for (int64_t first = 0; first < 47; first += chunk) {
            store.write(table, first, rows.narrow(0, first, std::min<int64_t>(chunk, 47 - first)));
          }
          EXPECT_TRUE(at::equal(store.gather(table, 47), rows));
          EXPECT_TRUE(at::equal(store.gather(table, 18), rows.narrow(0, 0, 18)));
        }
      }
    }
  }
}

TEST(KvStore, KeepsSequencesApart) {
  KvStore store(small_shape(), kValues, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor first = random_tensor({20, kWidth}, 2);
  const at::Tensor second = random_tensor({32, kWidth}, 3);
  store.write({1, 2}, 0, first);
  store.write({0, 4}, 0, second);
  EXPECT_TRUE(at::equal(store.gather({1, 2}, 20), first));
  EXPECT_TRUE(at::equal(store.gather({0, 4}, 32), second));
}

TEST(KvStore, ABlocksCopyIsItsOwn) {
  KvStore store(small_shape(), kKeys, at::TensorOptions().dtype(at::kBFloat16));
  const at::Tensor rows = random_tensor({16, kWidth}, 4, at::kBFloat16);
  store.write({1}, 0, rows);
  store.copy_block(1, 3);
  store.write({1}, 5, rows.narrow(0, 0, 2));
  EXPECT_TRUE(at::equal(store.gather({3}, 16), rows));
  EXPECT_FALSE(at::equal(store.gather({1}, 16), rows));
}

TEST(KvStore, AFirstRowClearsWhatStoodBehindIt) {
  KvStore store(small_shape(), kValues, at::TensorOptions().dtype(at::kFloat));
  store.write({2}, 0, at::full({16, kWidth}, std::nanf("")));
  store.write({2}, 0, at::ones({1, kWidth}));
  const at::Tensor rows = store.gather({2}, 16);
  EXPECT_TRUE(at::equal(rows.narrow(0, 1, 15), at::zeros({15, kWidth})));
}

TEST(KvStore, RefusesPositionsPastTheTableAndOtherRows) {
  KvStore store(small_shape(), kKeys, at::TensorOptions().dtype(at::kFloat));
  EXPECT_THROW(store.write({0}, 15, at::ones({2, kWidth})), Error);
  EXPECT_THROW(store.gather({0}, 17), Error);
  EXPECT_THROW(store.write({0}, 0, at::ones({2, kWidth + 1})), Error);
  EXPECT_THROW(store.write({0}, 0, at::ones({2, kWidth}).to(at::kBFloat16)), Error);
  EXPECT_THROW(KvStore(small_shape(8), kKeys, at::TensorOptions()), Error);
}

}  // namespace
}  // namespace spyhop
