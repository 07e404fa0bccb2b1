#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/encoding.h"
#include "golden_data.h"
#include "prompt/image.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

void expect_pixels(const std::string& bytes, const nlohmann::json& row) {
  SCOPED_TRACE(row.value("name", row.value("image", "")));
  const ImageHeader header = probe_image(bytes, ImageLimits{});
  EXPECT_EQ(header.width, row.at("size")[0].get<int>());
  EXPECT_EQ(header.height, row.at("size")[1].get<int>());
  const RgbImage image = decode_image(bytes, ImageLimits{});
  EXPECT_EQ(image.width, header.width);
  EXPECT_EQ(image.height, header.height);
  EXPECT_EQ(pixel_digest(image), row.at("rgb_sha256"));
}

TEST(DecodeImage, IsBitEqualWithTheReference) {
  const nlohmann::json rows = golden_json("tables/decode.json");
  ASSERT_GT(rows.size(), 20U);
  for (const auto& row : rows) expect_pixels(golden_file(row.at("image")), row);
}

// Small files of every kind of PNG, JPEG, WebP, GIF, BMP and PNM; digests by Pillow 9.4.0, Image.open(...).convert("RGB").
TEST(DecodeImage, IsBitEqualWithPillowForEveryKindOfFile) {
  const nlohmann::json rows = golden_json("tables/pillow_decode.json");
  ASSERT_GT(rows.size(), 100U);
  for (const auto& row : rows) expect_pixels(base64_decode(row.at("data").get<std::string>()), row);
}

TEST(DecodeImage, ReadsPhotoshopFilesOfThreeChannels) {
  const std::string header("8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\1\0\0\0\2\0\10\0\3", 26);  // 2 x 1 pixels, 8 bits, RGB
  const std::string empty_sections(12, '\0');
  const std::string raw("\0\0\x10\x20\x30\x40\x50\x60", 8);  // uncompressed, a plane per channel
  const RgbImage image = decode_image(header + empty_sections + raw, ImageLimits{});
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.height, 1);
  EXPECT_THAT(image.pixels, testing::ElementsAre(0x10, 0x30, 0x50, 0x20, 0x40, 0x60));
}

TEST(ProbeImage, NamesTheFormatByContent) {
  EXPECT_EQ(probe_image(golden_file("images/one_pixel.png"), ImageLimits{}).format, "png");
  EXPECT_EQ(probe_image(golden_file("images/gray_180x140.jpg"), ImageLimits{}).format, "jpeg");
  EXPECT_EQ(probe_image(golden_file("images/lossless_100x70.webp"), ImageLimits{}).format, "webp");
  EXPECT_EQ(probe_image(golden_file("images/anim_first_90x60.gif"), ImageLimits{}).format, "gif");
  EXPECT_EQ(probe_image(golden_file("images/plain_80x60.bmp"), ImageLimits{}).format, "bmp");
  EXPECT_EQ(probe_image("P6 1 1 255\nrgb", ImageLimits{}).format, "pnm");
}

TEST(ProbeImage, RefusesUnknownFormatsAndNamesThoseAllowed) {
  for (const std::string& bytes : {std::string("<svg/>"), std::string(100, '\0'), std::string("II*\0", 4), std::string("x")}) {
    try {
      probe_image(bytes, ImageLimits{});
      FAIL() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
      EXPECT_THAT(error.what(), testing::HasSubstr("PNG, JPEG, WebP, GIF, BMP"));
    }
  }
  EXPECT_THROW(probe_image("", ImageLimits{}), Error);
}

}  // namespace
}  // namespace spyhop
