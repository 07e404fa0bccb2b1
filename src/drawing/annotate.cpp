#include "drawing/annotate.h"

#include <png.h>

#include <algorithm>
#include <utility>

#include "common/utf8.h"
#include "drawing/label_font.h"
#include "drawing/label_layout.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr Colour kWhite{255, 255, 255};
constexpr int kRim = 1;  // pixels
constexpr int kSmallestLetters = 8;

/// Sizes that go with a picture's own.
struct Measures {
  int stroke;
  int letters;
  int padding;

  explicit Measures(const RgbImage& picture)
      : stroke(std::clamp(std::min(picture.width, picture.height) / 200, 2, 12)),
        letters(std::clamp(std::min(picture.width, picture.height) / 24, 13, 72)),
        padding(std::max(2, letters / 6)) {
    letters = std::min(letters, picture.height - 2 * margin());
  }

  /// Around the letters of a label.
  int margin() const { return padding + kRim; }
};

Area clipped(const std::array<int, 4>& edges, const RgbImage& picture) {
  const int left = std::clamp(edges[0], 0, picture.width - 1);
  const int top = std::clamp(edges[1], 0, picture.height - 1);
  return {left, top, std::clamp(edges[2], left + 1, picture.width), std::clamp(edges[3], top + 1, picture.height)};
}

Colour colour_of(const DrawnBox& box) {
  return box_colours()[static_cast<unsigned>(box.colour) % box_colours().size()];
}

void draw_frame(Canvas& canvas, const Area& area, int stroke, Colour colour) {
  canvas.frame({area.left - kRim, area.top - kRim, area.right + kRim, area.bottom + kRim}, stroke + 2 * kRim, kWhite);
  canvas.frame(area, stroke, colour);
}

void draw_label(Canvas& canvas, const Area& area, const std::string& text, const LabelFont& font, Colour ground) {
  canvas.fill(area, kWhite);
  canvas.fill({area.left + kRim, area.top + kRim, area.right - kRim, area.bottom - kRim}, ground);
  const int text_left = area.left + (area.width() - font.width(text)) / 2;
  font.draw(text, text_left, area.top + (area.height() - font.line_height()) / 2, kWhite, canvas);
}

}  // namespace

const std::vector<Colour>& box_colours() {
  static const std::vector<Colour> colours{{0xc6, 0x28, 0x28}, {0x15, 0x65, 0xc0}, {0x2e, 0x7d, 0x32}, {0x6a, 0x1b, 0x9a},
                                           {0xad, 0x14, 0x57}, {0x00, 0x69, 0x5c}, {0x4e, 0x34, 0x2e}, {0x28, 0x35, 0x93}};
  return colours;
}

RgbImage annotate(RgbImage picture, const std::vector<DrawnBox>& boxes) {
  const Measures sizes(picture);
  std::vector<Area> areas;
  for (const DrawnBox& box : boxes) areas.push_back(clipped(box.edges, picture));
  LabelLayout layout(picture.width, picture.height);
  Canvas canvas(std::move(picture));
  for (size_t i = 0; i < boxes.size(); ++i) draw_frame(canvas, areas[i], sizes.stroke, colour_of(boxes[i]));
  if (sizes.letters < kSmallestLetters) return std::move(canvas).take();

  const LabelFont font(sizes.letters);
  for (size_t i = 0; i < std::min(boxes.size(), kMaxLabels); ++i) {
    const int room = canvas.image().width - 2 * sizes.margin();
    const std::string text = font.fitted(replace_invalid_utf8(boxes[i].label), room);
    if (text.empty()) continue;
    const Area place = layout.place(areas[i], font.width(text) + 2 * sizes.margin(), sizes.letters + 2 * sizes.margin());
    draw_label(canvas, place, text, font, colour_of(boxes[i]));
  }
  return std::move(canvas).take();
}

std::string encode_png(const RgbImage& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0) {
    throw Error(ErrorCode::kInternal, std::string("a picture could not be written as PNG: ") + png.message);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace spyhop
