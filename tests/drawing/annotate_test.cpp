#include "drawing/annotate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "drawing/local_picture_tools.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

RgbImage plain(int width, int height, Colour colour) {
  RgbImage image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    for (const uint8_t channel : {colour.red, colour.green, colour.blue}) image.pixels.push_back(channel);
  }
  return image;
}

Colour at(const RgbImage& image, int x, int y) {
  const auto pixel = static_cast<size_t>((y * image.width + x) * 3);
  return {image.pixels[pixel], image.pixels[pixel + 1], image.pixels[pixel + 2]};
}

bool equal(Colour a, Colour b) {
  return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

/// Relative luminance. Source: WCAG 2.1.
double luminance(Colour colour) {
  const auto linear = [](uint8_t channel) {
    const double c = channel / 255.0;
    return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}

double contrast(Colour a, Colour b) {
  const double light = std::max(luminance(a), luminance(b));
  const double dark = std::min(luminance(a), luminance(b));
  return (light + 0.05) / (dark + 0.05);
}

constexpr Colour kWhite{255, 255, 255};
constexpr Colour kBlack{0, 0, 0};
const std::vector<DrawnBox> kOneBox{{"", {20, 30, 80, 70}, 0}};

/// The smallest area that holds every pixel which differs.
Area changed(const RgbImage& before, const RgbImage& after) {
  Area area{before.width, before.height, 0, 0};
  for (int y = 0; y < before.height; ++y) {
    for (int x = 0; x < before.width; ++x) {
      if (equal(at(before, x, y), at(after, x, y))) continue;
      area = {std::min(area.left, x), std::min(area.top, y), std::max(area.right, x + 1), std::max(area.bottom, y + 1)};
    }
  }
  return area;
}

TEST(Annotate, WhiteLettersAreLegibleOnEveryColour) {
  for (const Colour colour : box_colours()) EXPECT_GE(contrast(kWhite, colour), 4.5);
}

TEST(Annotate, TheFrameRunsInsideTheBoxesEdgesWithAWhiteRim) {
  const RgbImage drawn = annotate(plain(100, 90, kBlack), kOneBox);
  for (const auto& [x, y] : {std::pair{20, 30}, {79, 30}, {20, 69}, {79, 69}, {50, 30}, {21, 50}}) {
    EXPECT_TRUE(equal(at(drawn, x, y), box_colours()[0])) << x << " " << y;
  }
  for (const auto& [x, y] : {std::pair{19, 29}, {80, 70}, {50, 29}, {22, 50}}) EXPECT_TRUE(equal(at(drawn, x, y), kWhite)) << x;
  EXPECT_TRUE(equal(at(drawn, 18, 50), kBlack));
  EXPECT_TRUE(equal(at(drawn, 50, 50), kBlack));
}

TEST(Annotate, AFrameShowsOnLightAndOnDark) {
  for (const Colour ground : {kBlack, kWhite, Colour{128, 128, 128}, box_colours()[0]}) {
    const RgbImage drawn = annotate(plain(100, 90, ground), kOneBox);
    const double best = std::max(contrast(at(drawn, 20, 50), ground), contrast(at(drawn, 19, 50), ground));
    EXPECT_GE(best, 3.0);  // WCAG's bound for graphics
  }
}

TEST(Annotate, ChineseLabelsHaveTheirOwnLetters) {
  const RgbImage ground = plain(300, 200, kBlack);
  const auto with = [&](const std::string& label) { return annotate(ground, {{label, {50, 80, 250, 190}, 0}}).pixels; };
  EXPECT_NE(with("红色的圆"), with("蓝色的方"));
  EXPECT_NE(with("circle"), with("square"));
  EXPECT_NE(with("红"), with("\xee\x80\x80"));  // a private character, which the font lacks
}

TEST(Annotate, ALongLabelIsShortenedToThePicture) {
  const RgbImage ground = plain(120, 200, kBlack);
  const RgbImage drawn = annotate(ground, {{std::string(200, 'W'), {30, 80, 90, 190}, 0}});
  const Area area = changed(ground, drawn);
  EXPECT_GT(area.width(), 60);
  EXPECT_LE(area.width(), 120);
}

TEST(Annotate, BoxesBeyondThePictureAreCutOff) {
  const RgbImage ground = plain(50, 40, kBlack);
  constexpr int kFar = 1'000'000'000;
  const RgbImage drawn = annotate(
      ground, {{"far", {-kFar, -kFar, kFar, kFar}, -7}, {"turned", {30, 30, 10, 10}, 1}, {"thin", {49, 39, 49, 39}, 2}});
  EXPECT_EQ(drawn.pixels.size(), ground.pixels.size());
  EXPECT_FALSE(equal(at(drawn, 0, 0), kBlack));
}

TEST(Annotate, APictureOfOnePixelGetsNoLabel) {
  const RgbImage drawn = annotate(plain(1, 1, kBlack), {{"label", {0, 0, 1, 1}, 0}});
  EXPECT_EQ(drawn.pixels.size(), 3u);
}

TEST(Annotate, ManyBoxesKeepTheirFramesWhereLabelsEnd) {
  std::vector<DrawnBox> boxes(kMaxLabels + 1, {"x", {0, 0, 10, 10}, 0});
  boxes.back().edges = {60, 60, 90, 90};
  const RgbImage drawn = annotate(plain(100, 100, kBlack), boxes);
  EXPECT_TRUE(equal(at(drawn, 60, 60), box_colours()[0]));
}

TEST(LocalPictureTools, GivesAPngOfTheSameSize) {
  const LocalPictureTools tools({}, {});
  const std::string png = encode_png(plain(31, 17, {10, 200, 30}));
  const ImageHeader header = probe_image(png, {});
  EXPECT_EQ(header.format, "png");
  const RgbImage drawn = decode_image(tools.draw_boxes(png, {{"é", {5, 5, 20, 12}, 3}}), {});
  EXPECT_EQ(drawn.width, 31);
  EXPECT_EQ(drawn.height, 17);
  EXPECT_TRUE(equal(at(drawn, 30, 0), {10, 200, 30}));
}

TEST(LocalPictureTools, RefusesWhatIsNoPictureOrTooLarge) {
  ImageLimits limits;
  limits.max_pixels = 100;
  const LocalPictureTools tools({}, limits);
  EXPECT_THROW(tools.draw_boxes("no picture", {}), Error);
  EXPECT_THROW(tools.draw_boxes(encode_png(plain(11, 10, kBlack)), {}), Error);
}

TEST(LocalPictureTools, FetchesUnderTheRulesOfTheServer) {
  FetchPolicy policy;
  policy.allow_remote = false;
  const LocalPictureTools tools(policy, {});
  EXPECT_EQ(*tools.fetch({"data:image/png;base64,aGk=", ImageDetail::kAuto}, "image"), "hi");
  try {
    tools.fetch({"http://example.com/a.png", ImageDetail::kAuto}, "image");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kForbidden);
    EXPECT_EQ(error.param(), "image");
  }
}

}  // namespace
}  // namespace spyhop
