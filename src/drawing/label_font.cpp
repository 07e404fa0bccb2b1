#include "drawing/label_font.h"

#include <cmath>
#include <vector>

#include "common/utf8.h"
#include "drawing/font_file.h"
#include "spyhop/error.h"

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_truetype.h>
#pragma GCC diagnostic pop

namespace spyhop {
namespace {

constexpr const char* kEllipsis = "…";

/// The characters of valid UTF-8, those that control something as spaces.
std::vector<int> code_points(std::string_view text) {
  std::vector<int> points;
  for (size_t at = 0; at < text.size(); at += static_cast<size_t>(utf8_length(static_cast<uint8_t>(text[at])))) {
    const auto point = static_cast<int>(decode_utf8(text.data() + at));
    points.push_back(point < 0x20 || point == 0x7f ? ' ' : point);
  }
  return points;
}

}  // namespace

struct LabelFont::Face {
  stbtt_fontinfo info{};
  float scale = 0;
  int ascent = 0;
};

LabelFont::LabelFont(int pixels) : pixels_(pixels), face_(std::make_unique<Face>()) {
  const uint8_t* const file = label_font_file();
  if (stbtt_InitFont(&face_->info, file, stbtt_GetFontOffsetForIndex(file, 0)) == 0) {
    throw Error(ErrorCode::kInternal, "the font for labels could not be read");
  }
  face_->scale = stbtt_ScaleForPixelHeight(&face_->info, static_cast<float>(pixels));
  int descent = 0;
  int gap = 0;
  stbtt_GetFontVMetrics(&face_->info, &face_->ascent, &descent, &gap);
}

LabelFont::~LabelFont() = default;

float LabelFont::advance(int glyph) const {
  int width = 0;
  int bearing = 0;
  stbtt_GetGlyphHMetrics(&face_->info, glyph, &width, &bearing);
  return face_->scale * static_cast<float>(width);
}

int LabelFont::width(std::string_view text) const {
  float sum = 0;
  for (const int point : code_points(text)) sum += advance(stbtt_FindGlyphIndex(&face_->info, point));
  return static_cast<int>(std::ceil(sum));
}

std::string LabelFont::fitted(const std::string& text, int pixels) const {
  if (width(text) <= pixels) return text;
  const auto room = static_cast<float>(pixels - width(kEllipsis));
  if (room < 0) return "";
  float sum = 0;
  size_t end = 0;
  for (const int point : code_points(text)) {
    sum += advance(stbtt_FindGlyphIndex(&face_->info, point));
    if (sum > room) break;
    end += static_cast<size_t>(utf8_length(static_cast<uint8_t>(text[end])));
  }
  return text.substr(0, end) + kEllipsis;
}

void LabelFont::draw(std::string_view text, int left, int top, Colour colour, Canvas& canvas) const {
  const int baseline = top + static_cast<int>(std::lround(face_->scale * static_cast<float>(face_->ascent)));
  auto pen = static_cast<float>(left);
  for (const int point : code_points(text)) {
    const int glyph = stbtt_FindGlyphIndex(&face_->info, point);
    const float whole = std::floor(pen);
    int width = 0;
    int height = 0;
    int dx = 0;
    int dy = 0;
    const auto release = [](uint8_t* bitmap) { stbtt_FreeBitmap(bitmap, nullptr); };
    const std::unique_ptr<uint8_t, decltype(release)> bitmap(
        stbtt_GetGlyphBitmapSubpixel(&face_->info, face_->scale, face_->scale, pen - whole, 0, glyph, &width, &height, &dx,
                                     &dy),
        release);
    for (int i = 0; bitmap != nullptr && i < width * height; ++i) {
      canvas.blend(static_cast<int>(whole) + dx + i % width, baseline + dy + i / width, colour, bitmap.get()[i]);
    }
    pen += advance(glyph);
  }
}

}  // namespace spyhop
