#include "engine/image_features.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>

#include "support/fake_model.h"

namespace spyhop {
namespace {

constexpr int kTwoTiles = 2 * FakeRunner::kVisionLayers;

class ImageFeaturesTest : public ::testing::Test {
 protected:
  ImageFeatures& start(const VisionLimits& limits = {}) {
    features_ = std::make_unique<ImageFeatures>(runner_, runner_.config().processor, limits);
    return *features_;
  }

  /// A request about images of one tile and a global view each.
  Request& add(const std::vector<std::string>& hashes) {
    Request& request = *requests_.emplace_back(std::make_unique<Request>());
    for (const std::string& hash : hashes) {
      PreparedImage image;
      image.tiles.resize(size_t{2} * 28 * 28 * 3);
      image.hash = hash;
      request.prompt.images.push_back(image);
    }
    request.image_encoded.resize(hashes.size());
    features_->add(request);
    return request;
  }

  FakeRunner runner_{"", 4, 16};
  std::unique_ptr<ImageFeatures> features_;
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(ImageFeaturesTest, TakesAnImageFurtherByTheLayersOfATask) {
  start();
  Request& request = add({"cat"});
  for (int i = 1; i * 3 < kTwoTiles; ++i) {
    features_->encode({&request, 0, 3});
    EXPECT_EQ(runner_.num_layers, i * 3);
    EXPECT_FALSE(request.image_encoded[0]);
    EXPECT_EQ(features_->num_unfinished(), 1);
  }
  features_->encode({&request, 0, 3});
  EXPECT_EQ(runner_.num_layers, kTwoTiles);
  EXPECT_TRUE(request.image_encoded[0]);
  EXPECT_EQ(features_->num_unfinished(), 0);
  EXPECT_TRUE(features_->rows(request, 0).defined());
}

TEST_F(ImageFeaturesTest, CountsALayerOnceForEachTileThatGoesThroughIt) {
  start({/*tiles_at_once=*/2});
  Request& request = add({"cat"});
  features_->encode({&request, 0, 4});
  EXPECT_EQ(runner_.num_layers, 2);
  features_->encode({&request, 0, 1});
  EXPECT_EQ(runner_.num_layers, 3) << "a slice smaller than a layer still gets on";
}

TEST_F(ImageFeaturesTest, GivesThePixelsOfEncodedImagesBack) {
  start();
  Request& request = add({"cat", "dog"});
  features_->encode({&request, 0, 100});
  EXPECT_EQ(request.prompt.images[0].tiles.capacity(), 0U);
  EXPECT_FALSE(request.prompt.images[1].tiles.empty());
}

TEST_F(ImageFeaturesTest, EqualImagesInFlightAreEncodedOnceEvenWithoutACache) {
  start({1, /*cache_bytes=*/0});
  Request& first = add({"cat", "dog", "cat"});
  Request& second = add({"cat"});
  features_->encode({&first, 0, 3});
  features_->encode({&second, 0, 100});
  EXPECT_EQ(first.image_encoded, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(second.image_encoded, (std::vector<bool>{true}));
  EXPECT_EQ(runner_.num_tiles, 2);
}

TEST_F(ImageFeaturesTest, ALaterRequestFindsAnEncodedImage) {
  start();
  Request& first = add({"cat"});
  features_->encode({&first, 0, 100});
  features_->forget(first);
  Request& second = add({"dog", "cat"});
  EXPECT_EQ(second.image_encoded, (std::vector<bool>{false, true}));
}

TEST_F(ImageFeaturesTest, AnImageThatNobodyWaitsForAnyMoreIsDropped) {
  start();
  Request& first = add({"cat"});
  Request& second = add({"cat"});
  features_->encode({&first, 0, 3});
  features_->forget(first);
  EXPECT_EQ(features_->num_unfinished(), 1);
  features_->encode({&second, 0, 1});
  EXPECT_EQ(runner_.num_layers, 4) << "the second goes on where the first was";
  features_->forget(second);
  EXPECT_EQ(features_->num_unfinished(), 0);
}

TEST_F(ImageFeaturesTest, AnImageThatThrowsIsBegunAnew) {
  start();
  Request& first = add({"cat"});
  Request& second = add({"cat"});
  features_->encode({&first, 0, 3});
  runner_.on_encode = [] { throw std::bad_alloc(); };
  EXPECT_THROW(features_->encode({&first, 0, 3}), std::bad_alloc);
  EXPECT_EQ(features_->num_unfinished(), 0);
  runner_.on_encode = nullptr;
  runner_.num_layers = 0;
  features_->encode({&second, 0, 100});
  EXPECT_EQ(runner_.num_layers, kTwoTiles);
}

}  // namespace
}  // namespace spyhop
