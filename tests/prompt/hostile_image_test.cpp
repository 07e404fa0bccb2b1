// Images made to break a decoder: every one is decoded or refused with an Error, and nothing is allocated that the limits
// forbid.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/encoding.h"
#include "golden_data.h"
#include "prompt/image.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& small_images() {
  static const std::vector<std::string> kImages = [] {
    std::vector<std::string> images;
    for (const auto& row : golden_json("tables/pillow_decode.json"))
      images.push_back(base64_decode(row.at("data").get<std::string>()));
    return images;
  }();
  return kImages;
}

/// The message of the error; empty where the image could be decoded.
std::string refusal(const std::string& bytes, ErrorCode code = ErrorCode::kInvalidRequest, const ImageLimits& limits = {}) {
  try {
    decode_image(bytes, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

void decode_or_refuse(const std::string& bytes) {
  ImageLimits limits;
  limits.max_pixels = 1'000'000;
  try {
    const RgbImage image = decode_image(bytes, limits);
    ASSERT_EQ(image.pixels.size(), static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3);
  } catch (const Error& error) {
    ASSERT_THAT(error.code(), testing::AnyOf(ErrorCode::kInvalidRequest, ErrorCode::kTooLarge));
  }
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

/// A PNG that ends behind a header of this size; the checksum is left out of account by what reads headers.
std::string png_header(uint32_t width, uint32_t height) {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) + big_endian(width) + big_endian(height) +
         std::string("\10\2\0\0\0", 5);
}

TEST(HostileImage, TruncatedAtAnyByteIsDecodedOrRefused) {
  for (const std::string& bytes : small_images()) {
    const size_t step = std::max<size_t>(1, bytes.size() / 100);
    for (size_t size = 0; size < bytes.size(); size += step) decode_or_refuse(bytes.substr(0, size));
  }
}

TEST(HostileImage, WithHalfOfItsBytesIsRefused) {
  for (const char* path :
       {"images/exact_90.png", "images/gray_180x140.jpg", "images/prog_240x160.jpg", "images/cmyk_120x90.jpg",
        "images/lossless_100x70.webp", "images/anim_first_90x60.gif", "images/plain_80x60.bmp"}) {
    const std::string bytes = golden_file(path);
    const size_t frame_bytes =
        std::string(path).find(".gif") == std::string::npos ? bytes.size() : 300;  // the first frame ends later
    EXPECT_NE(refusal(bytes.substr(0, frame_bytes / 2)), "") << path;
  }
}

TEST(HostileImage, WithRandomBytesChangedIsDecodedOrRefused) {
  std::mt19937 random(20240917);
  for (const std::string& original : small_images()) {
    for (int round = 0; round < 20; ++round) {
      std::string bytes = original;
      const size_t num_changes = 1 + random() % 6;
      for (size_t i = 0; i < num_changes; ++i) {
        const size_t range = random() % 2 == 0 ? std::min<size_t>(bytes.size(), 80) : bytes.size();
        bytes[random() % range] = static_cast<char>(random() % 3 == 0 ? 255 : random());
      }
      decode_or_refuse(bytes);
    }
  }
}

TEST(HostileImage, WithAHugeHeaderIsRefusedBeforeAnythingIsAllocated) {
  const std::string message = refusal(png_header(100'000, 100'000), ErrorCode::kTooLarge);
  EXPECT_THAT(message, HasSubstr("100000 x 100000"));
  EXPECT_THAT(message, HasSubstr("32768"));
  EXPECT_THAT(refusal(png_header(30'000, 30'000), ErrorCode::kTooLarge), HasSubstr("50000000 pixels"));
  EXPECT_THAT(refusal(png_header(0xFFFFFFFF, 1)), HasSubstr("4294967295"));
  EXPECT_THAT(refusal("P6 999999999 999999999 255\n", ErrorCode::kTooLarge), HasSubstr("999999999"));
  EXPECT_NE(refusal("P6 99999999999 1 255\n"), "");
  EXPECT_NE(refusal(std::string("8BPS\0\1\0\0\0\0\0\0\0\3\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF\0\10\0\3", 26), ErrorCode::kTooLarge),
            "");
}

TEST(HostileImage, ThatClaimsMorePixelsThanItsBytesCanHoldIsRefused) {
  const std::string one_pixel = golden_file("images/one_pixel.png");
  EXPECT_NE(refusal(png_header(7000, 7000) + one_pixel.substr(29)), "");
  EXPECT_THAT(refusal("P6 7000 7000 255\nabc"), HasSubstr("truncated"));
  std::string bmp = golden_file("images/plain_80x60.bmp");
  bmp[19] = 7;  // 1,872 pixels wide
  EXPECT_THAT(refusal(bmp), HasSubstr("truncated"));
}

TEST(HostileImage, OfNoSizeIsRefused) {
  EXPECT_THAT(refusal(png_header(0, 5)), HasSubstr("0 x 5"));
  std::string gif = golden_file("images/anim_first_90x60.gif");
  const size_t descriptor = gif.find(',');
  ASSERT_NE(descriptor, std::string::npos);
  std::fill_n(gif.begin() + static_cast<std::ptrdiff_t>(descriptor) + 5, 2, '\0');
  EXPECT_THAT(refusal(gif), HasSubstr("0 x 60"));
  EXPECT_NE(refusal("P5 0 0 255\n"), "");
}

TEST(HostileImage, OverTheLimitsOfTheServerIsRefusedBySize) {
  const std::string bytes = golden_file("images/half_768x333.png");
  ImageLimits limits;
  limits.max_bytes = bytes.size() - 1;
  EXPECT_THAT(refusal(bytes, ErrorCode::kTooLarge, limits), HasSubstr(std::to_string(bytes.size())));
  limits = {};
  limits.max_side = 767;
  EXPECT_THAT(refusal(bytes, ErrorCode::kTooLarge, limits), HasSubstr("768 x 333"));
  limits = {};
  limits.max_pixels = 768 * 333 - 1;
  EXPECT_THAT(refusal(bytes, ErrorCode::kTooLarge, limits), HasSubstr("768 x 333"));
  limits.max_pixels = 768 * 333;
  limits.max_side = 768;
  limits.max_bytes = bytes.size();
  EXPECT_EQ(refusal(bytes, ErrorCode::kTooLarge, limits), "");
}

TEST(HostilePng, WithAWrongChecksumInItsHeaderIsRefused) {
  std::string bytes = golden_file("images/one_pixel.png");
  bytes[29] = static_cast<char>(bytes[29] ^ 1);
  EXPECT_THAT(refusal(bytes), HasSubstr("CRC"));
}

TEST(HostilePng, WithAChunkLongerThanTheFileIsRefused) {
  std::string bytes = golden_file("images/one_pixel.png");
  const size_t data = bytes.find("IDAT");
  bytes[data - 4] = 0x7F;
  EXPECT_NE(refusal(bytes), "");
}

TEST(HostileJpeg, WithoutItsEndMarkerIsTruncated) {
  const std::string bytes = golden_file("images/gray_180x140.jpg");
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 2)), HasSubstr("truncated"));
}

TEST(HostileJpeg, WithHundredsOfScansIsRefused) {
  std::string bytes = golden_file("images/prog_240x160.jpg");
  const size_t last_scan = bytes.rfind("\xFF\xDA");
  const std::string scan = bytes.substr(last_scan, bytes.size() - 2 - last_scan);
  for (int i = 0; i < 200; ++i) bytes.insert(bytes.size() - 2, scan);
  EXPECT_THAT(refusal(bytes), HasSubstr("scans"));
}

TEST(HostileGif, WithACodeOutsideItsTableIsRefused) {
  // 2 x 1 pixels: clear, then a code that nothing has defined yet.
  const std::string gif("GIF89a\2\0\1\0\0\0\0,\0\0\0\0\2\0\1\0\0\2\2\x3C\0\0;", 29);
  EXPECT_THAT(refusal(gif), HasSubstr("damaged"));
}

TEST(HostileGif, WithACodeSizeOutOfRangeIsRefused) {
  for (const char size : {'\0', '\x09', '\x0C', '\xFF'}) {
    std::string gif("GIF89a\2\0\1\0\0\0\0,\0\0\0\0\2\0\1\0\0?\2\x44\0\0;", 29);
    gif[23] = size;
    EXPECT_THAT(refusal(gif), HasSubstr("code size")) << int{size};
  }
}

}  // namespace
}  // namespace spyhop
