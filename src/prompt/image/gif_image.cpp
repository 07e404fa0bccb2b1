// GIF: the first frame on its canvas, as Pillow shows it.
#include <algorithm>
#include <array>
#include <optional>

#include "prompt/image/byte_reader.h"
#include "prompt/image/gif_lzw.h"
#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

using Palette = std::array<uint8_t, 256 * 3>;

/// Everything in front of the first frame's pixel data.
struct GifFirstFrame {
  int canvas_width = 0;
  int canvas_height = 0;
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  Palette palette{};
  uint8_t background = 0;  // index of the pixels that the frame does not cover
  int min_code_size = 0;
  size_t data_position = 0;
};

/// What indices beyond a short or missing colour table stand for in Pillow.
Palette grey_ramp() {
  Palette ramp;
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<uint8_t>(i / 3);
  return ramp;
}

/// The colour table that `flags` announces, if any.
std::optional<Palette> read_palette(ByteReader& reader, uint8_t flags) {
  if ((flags & 0x80) == 0) return std::nullopt;
  const std::string_view table = reader.take(size_t{6} << (flags & 7));
  Palette palette = grey_ramp();
  std::copy(table.begin(), table.end(), palette.begin());
  return palette;
}

/// An extension block; a graphic control extension names the transparent index, which stands for the canvas.
void read_extension(ByteReader& reader, GifFirstFrame& frame) {
  constexpr uint8_t kGraphicControl = 0xF9;
  const uint8_t label = reader.u8();
  std::string_view block = reader.take(reader.u8());
  if (label == kGraphicControl && block.size() >= 4 && (block[0] & 1) != 0) frame.background = static_cast<uint8_t>(block[3]);
  while (!block.empty()) block = reader.take(reader.u8());
}

void read_image_descriptor(ByteReader& reader, GifFirstFrame& frame) {
  frame.x = reader.u16_le();
  frame.y = reader.u16_le();
  frame.width = reader.u16_le();
  frame.height = reader.u16_le();
  const uint8_t flags = reader.u8();
  frame.interlaced = (flags & 0x40) != 0;
  const std::optional<Palette> local = read_palette(reader, flags);
  // A local table that is a grey ramp counts as none in Pillow, which then falls back to the global one.
  if (local && *local != grey_ramp()) frame.palette = *local;
  frame.canvas_width = std::max(frame.canvas_width, frame.x + frame.width);
  frame.canvas_height = std::max(frame.canvas_height, frame.y + frame.height);
  frame.min_code_size = reader.u8();
  frame.data_position = reader.position();
}

GifFirstFrame read_first_frame(std::string_view bytes) {
  constexpr char kExtension = '!';
  constexpr char kImage = ',';
  constexpr char kTrailer = ';';
  ByteReader reader(bytes, "GIF image");
  reader.skip(6);
  GifFirstFrame frame;
  frame.canvas_width = reader.u16_le();
  frame.canvas_height = reader.u16_le();
  const uint8_t flags = reader.u8();
  reader.skip(2);
  frame.palette = read_palette(reader, flags).value_or(grey_ramp());
  while (true) {
    const char tag = static_cast<char>(reader.u8());
    if (tag == kTrailer) refuse_image("GIF", "it has no frame");
    if (tag == kExtension) read_extension(reader, frame);
    if (tag == kImage) break;
  }
  read_image_descriptor(reader, frame);
  if (frame.width == 0 || frame.height == 0) {
    refuse_image("GIF", "the size of its first frame is " + std::to_string(frame.width) + " x " + std::to_string(frame.height) +
                            " pixels");
  }
  return frame;
}

/// The row of the frame that each row of the stream holds.
std::vector<int> row_order(const GifFirstFrame& frame) {
  struct Pass {
    int first, step;
  };
  constexpr std::array<Pass, 4> kInterlaced = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  std::vector<int> order;
  order.reserve(static_cast<size_t>(frame.height));
  if (!frame.interlaced) {
    for (int y = 0; y < frame.height; ++y) order.push_back(y);
    return order;
  }
  for (const Pass& pass : kInterlaced) {
    for (int y = pass.first; y < frame.height; y += pass.step) order.push_back(y);
  }
  return order;
}

void look_up(const Palette& palette, const uint8_t* indices, int count, uint8_t* rgb) {
  for (int i = 0; i < count; ++i) std::copy_n(&palette[size_t{indices[i]} * 3], 3, rgb + size_t{3} * static_cast<size_t>(i));
}

bool matches(std::string_view bytes) {
  return bytes.substr(0, 6) == "GIF87a" || bytes.substr(0, 6) == "GIF89a";
}

ImageHeader read_header(std::string_view bytes) {
  const GifFirstFrame frame = read_first_frame(bytes);
  return {"gif", frame.canvas_width, frame.canvas_height};
}

RgbImage decode(std::string_view bytes, const ImageHeader& header) {
  const GifFirstFrame frame = read_first_frame(bytes);
  const size_t num_pixels = static_cast<size_t>(frame.width) * static_cast<size_t>(frame.height);
  const std::vector<uint8_t> indices = decode_gif_lzw(bytes.substr(frame.data_position), frame.min_code_size, num_pixels);

  RgbImage image = make_image(header);
  for (size_t i = 0; i < image.pixels.size(); i += 3) look_up(frame.palette, &frame.background, 1, &image.pixels[i]);
  const uint8_t* row = indices.data();
  for (const int y : row_order(frame)) {
    const size_t first = static_cast<size_t>(frame.y + y) * static_cast<size_t>(image.width) + static_cast<size_t>(frame.x);
    look_up(frame.palette, row, frame.width, &image.pixels[first * 3]);
    row += frame.width;
  }
  return image;
}

}  // namespace

ImageCodec gif_codec() {
  return {"GIF", matches, read_header, decode};
}

}  // namespace spyhop
