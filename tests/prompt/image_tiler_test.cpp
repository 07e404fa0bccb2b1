#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "golden_data.h"
#include "prompt/image.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

RgbImage gradient(int width, int height) {
  RgbImage image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int v : {x, y, x * y}) image.pixels.push_back(static_cast<uint8_t>(v));
    }
  }
  return image;
}

ProcessorConfig small_tiles(int side) {
  ProcessorConfig processor;
  processor.image_size = side;
  processor.candidate_resolutions = {{side, side}, {2 * side, side}, {side, 2 * side}};
  return processor;
}

class GoldenResolutions : public testing::TestWithParam<const char*> {};

TEST_P(GoldenResolutions, ChoosesTheReferencesCanvasAndTokenCountForEverySize) {
  const nlohmann::json table = golden_json("tables/resolutions.json").at(GetParam());
  const int side = table.at("image_size").get<int>();
  const ProcessorConfig processor = golden_processor(GetParam(), side);
  ASSERT_GT(table.at("rows").size(), 300U);
  for (const auto& row : table.at("rows")) {
    const TileGrid grid = choose_tile_grid(row[0], row[1], processor, /*cropping=*/true);
    EXPECT_EQ(grid.cols * side, row[2].get<int>()) << row;
    EXPECT_EQ(grid.rows * side, row[3].get<int>()) << row;
    EXPECT_EQ(count_image_tokens(grid, processor), row[4].get<int>()) << row;
  }
}
INSTANTIATE_TEST_SUITE_P(Families, GoldenResolutions, testing::Values("mini-tiny", "mini-small", "mini-base"));

TEST(ChooseTileGrid, IsOneTileWithoutCropping) {
  const ProcessorConfig processor = golden_processor("mini-tiny", 384);
  const TileGrid grid = choose_tile_grid(3000, 500, processor, /*cropping=*/false);
  EXPECT_EQ(grid.cols, 1);
  EXPECT_EQ(grid.rows, 1);
  EXPECT_EQ(count_image_tokens(grid, processor), 421);
}

TEST(CheckAspectRatio, RefusesImagesThatKeepNoPixelInAView) {
  const ProcessorConfig processor = golden_processor("mini-tiny", 384);
  EXPECT_NO_THROW(check_aspect_ratio(767, 1, processor));
  try {
    check_aspect_ratio(768, 1, processor);  // 0.5 pixels, rounded to even
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
    EXPECT_THAT(error.what(), testing::HasSubstr("768 x 1"));
  }
  EXPECT_THROW(check_aspect_ratio(1, 10000, processor), Error);
}

TEST(PadTo, IsBitEqualWithTheReferencesImageOpsPad) {
  int num_rows = 0;
  int num_refused = 0;
  for (const auto& row : golden_json("tables/resize.json")) {
    const RgbImage image = decode_image(golden_file(row.at("image")), ImageLimits{});
    const int width = row.at("target")[0];
    const int height = row.at("target")[1];
    ++num_rows;
    if (row.contains("error")) {
      EXPECT_THROW(pad_to(image, width, height, ProcessorConfig{}), Error) << row;
      ++num_refused;
      continue;
    }
    EXPECT_EQ(pixel_digest(pad_to(image, width, height, ProcessorConfig{})), row.at("rgb_sha256")) << row;
  }
  EXPECT_GT(num_rows, 100);
  EXPECT_GT(num_refused, 0);
}

TEST(PadTo, CentersTheImageOnTheMeanColour) {
  const RgbImage white{4, 2, std::vector<uint8_t>(4 * 2 * 3, 255)};
  ProcessorConfig processor;
  processor.image_mean = {0.5, 0.25, 1.0};
  const RgbImage padded = pad_to(white, 4, 4, processor);
  for (size_t y = 0; y < 4; ++y) {
    const bool inside = y == 1 || y == 2;
    EXPECT_EQ(padded.pixels[y * 12], inside ? 255 : 127) << y;
    EXPECT_EQ(padded.pixels[y * 12 + 1], inside ? 255 : 63) << y;
    EXPECT_EQ(padded.pixels[y * 12 + 2], 255) << y;
  }
}

TEST(MakeTiles, PutsTheGlobalViewFirstAndTheLocalTilesRowByRow) {
  const RgbImage image = gradient(40, 28);
  const ProcessorConfig processor = small_tiles(8);
  const TileGrid grid{3, 2};
  const std::vector<uint8_t> tiles = make_tiles(image, grid, processor);
  const RgbImage global = pad_to(image, 8, 8, processor);
  const RgbImage local = pad_to(image, 24, 16, processor);
  constexpr size_t kTileBytes = 8 * 8 * 3;
  ASSERT_EQ(tiles.size(), 7 * kTileBytes);
  EXPECT_TRUE(std::equal(global.pixels.begin(), global.pixels.end(), tiles.begin()));
  for (size_t tile = 0; tile < 6; ++tile) {
    for (size_t i = 0; i < kTileBytes; ++i) {
      const size_t y = tile / 3 * 8 + i / 24;
      const size_t x = tile % 3 * 24 + i % 24;
      ASSERT_EQ(tiles[(1 + tile) * kTileBytes + i], local.pixels[y * 72 + x]) << "tile " << tile << ", byte " << i;
    }
  }
}

TEST(NormaliseTile, GivesTheReferencesBitsForEveryByte) {
  const nlohmann::json bits = golden_json("tables/normalise.json").at("float32_bits");
  ASSERT_EQ(bits.size(), 256U);
  ProcessorConfig processor;
  processor.image_size = 16;
  std::vector<uint8_t> tile(16 * 16 * 3);
  for (size_t i = 0; i < 256; ++i) {
    for (size_t c = 0; c < 3; ++c) tile[3 * i + c] = static_cast<uint8_t>(i + 85 * c);
  }
  const std::vector<float> planes = normalise_tile(tile.data(), processor);
  ASSERT_EQ(planes.size(), tile.size());
  for (size_t i = 0; i < 256; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      int32_t actual = 0;
      std::memcpy(&actual, &planes[c * 256 + i], sizeof(actual));
      EXPECT_EQ(actual, bits[tile[3 * i + c]].get<int32_t>()) << "value " << int{tile[3 * i + c]};
    }
  }
}

TEST(NormaliseTile, TakesMeanAndDeviationPerChannel) {
  ProcessorConfig processor;
  processor.image_size = 1;
  processor.image_mean = {0.0, 0.5, 1.0};
  processor.image_std = {1.0, 0.5, 0.25};
  const std::vector<uint8_t> tile = {255, 255, 0};
  EXPECT_THAT(normalise_tile(tile.data(), processor), testing::ElementsAre(1.0F, 1.0F, -4.0F));
}

}  // namespace
}  // namespace spyhop
