// Letters for labels on pictures: Latin, Greek, Cyrillic, Chinese, Japanese and Korean.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "drawing/canvas.h"

namespace spyhop {

/// The font that is part of the program, at one size. Letters run from left to right, without ligatures; what the font lacks
/// shows as its sign for that. Thread safety: one thread.
class LabelFont {
 public:
  /// `pixels`: from the top of the highest letter to the bottom of the lowest.
  explicit LabelFont(int pixels);
  ~LabelFont();
  LabelFont(const LabelFont&) = delete;
  LabelFont& operator=(const LabelFont&) = delete;

  int line_height() const { return pixels_; }

  /// In pixels, of valid UTF-8.
  int width(std::string_view text) const;

  /// The text, or as much of its beginning with "…" after it as fits into `pixels`; empty where not even that fits.
  std::string fitted(const std::string& text, int pixels) const;

  /// The text with its line's left upper corner there.
  void draw(std::string_view text, int left, int top, Colour colour, Canvas& canvas) const;

 private:
  struct Face;

  float advance(int glyph) const;

  const int pixels_;
  const std::unique_ptr<Face> face_;
};

}  // namespace spyhop
