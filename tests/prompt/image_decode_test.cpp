#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden_data.h"
#include "prompt/image.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(DecodeImage, IsBitEqualWithTheReferencesPillow) {
  const nlohmann::json rows = golden_json("tables/decode.json");
  ASSERT_GT(rows.size(), 20U);
  for (const auto& row : rows) {
    const std::string bytes = golden_file(row.at("image"));
    const ImageHeader header = probe_image(bytes, ImageLimits{});
    EXPECT_EQ(header.width, row.at("size")[0].get<int>()) << row;
    EXPECT_EQ(header.height, row.at("size")[1].get<int>()) << row;
    const RgbImage image = decode_image(bytes, ImageLimits{});
    EXPECT_EQ(image.width, header.width) << row;
    EXPECT_EQ(image.height, header.height) << row;
    EXPECT_EQ(pixel_digest(image), row.at("rgb_sha256")) << row;
  }
}

TEST(ProbeImage, NamesTheFormatByContent) {
  EXPECT_EQ(probe_image(golden_file("images/one_pixel.png"), ImageLimits{}).format, "png");
  EXPECT_EQ(probe_image(golden_file("images/gray_180x140.jpg"), ImageLimits{}).format, "jpeg");
  EXPECT_EQ(probe_image(golden_file("images/lossless_100x70.webp"), ImageLimits{}).format, "webp");
  EXPECT_EQ(probe_image(golden_file("images/anim_first_90x60.gif"), ImageLimits{}).format, "gif");
  EXPECT_EQ(probe_image(golden_file("images/plain_80x60.bmp"), ImageLimits{}).format, "bmp");
}

TEST(ProbeImage, RefusesUnknownFormatsAndNamesThoseAllowed) {
  for (const std::string& bytes : {std::string(), std::string("<svg/>"), std::string(100, '\0'), std::string("II*\0", 4)}) {
    try {
      probe_image(bytes, ImageLimits{});
      FAIL() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
      EXPECT_THAT(error.what(), testing::AnyOf(testing::HasSubstr("PNG, JPEG, WebP, GIF, BMP"), testing::HasSubstr("0 bytes")));
    }
  }
}

}  // namespace
}  // namespace spyhop
