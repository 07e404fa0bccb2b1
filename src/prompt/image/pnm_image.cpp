// Binary PBM, PGM and PPM (P4, P5, P6).
#include <algorithm>
#include <cmath>
#include <string>

#include "prompt/image/byte_reader.h"
#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

struct PnmHeader {
  char kind = 0;  // '4' bitmap, '5' grey, '6' colour
  int width = 0;
  int height = 0;
  int max_value = 1;
  size_t data_position = 0;
};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// A decimal number after white space and comments, and the one character behind it.
int read_number(ByteReader& reader) {
  constexpr int kMaxDigits = 9;
  char c = static_cast<char>(reader.u8());
  while (is_space(c) || c == '#') {
    if (c == '#') {
      while (c != '\n' && c != '\r') c = static_cast<char>(reader.u8());
    }
    c = static_cast<char>(reader.u8());
  }
  int value = 0;
  for (int digits = 1; c >= '0' && c <= '9' && digits <= kMaxDigits; ++digits) {
    value = value * 10 + (c - '0');
    c = static_cast<char>(reader.u8());
  }
  if (!is_space(c)) refuse_image("PNM", "a number in its header is malformed");
  return value;
}

PnmHeader read_pnm_header(std::string_view bytes) {
  constexpr int kMaxMaxValue = 65535;
  ByteReader reader(bytes, "PNM image");
  PnmHeader header;
  header.kind = reader.take(2)[1];
  header.width = read_number(reader);
  header.height = read_number(reader);
  if (header.kind != '4') header.max_value = read_number(reader);
  if (header.max_value < 1 || header.max_value > kMaxMaxValue) {
    refuse_image("PNM", "its largest value is " + std::to_string(header.max_value) + "; allowed: 1 to 65535");
  }
  header.data_position = reader.position();
  return header;
}

/// Every possible sample as 8 bits. Pillow opens grey of more than 8 bits as integers up to 65535, which its conversion to RGB
/// clips.
std::vector<uint8_t> sample_table(const PnmHeader& header) {
  const double scale = header.kind == '5' && header.max_value > 255 ? 65535.0 : 255.0;
  std::vector<uint8_t> table(header.max_value > 255 ? 65536 : 256, 255);
  for (int value = 0; value <= header.max_value; ++value) {
    const double scaled = std::nearbyint(static_cast<double>(value) / header.max_value * scale);
    table[static_cast<size_t>(value)] = static_cast<uint8_t>(std::min(scaled, 255.0));
  }
  return table;
}

RgbImage decode_samples(std::string_view bytes, const PnmHeader& header, RgbImage image) {
  const std::vector<uint8_t> table = sample_table(header);
  const size_t sample_bytes = header.max_value > 255 ? 2 : 1;
  const size_t copies = header.kind == '5' ? 3 : 1;
  size_t position = 0;
  for (size_t i = 0; i < image.pixels.size(); i += copies, position += sample_bytes) {
    size_t sample = static_cast<uint8_t>(bytes[position]);
    if (sample_bytes == 2) sample = sample << 8 | static_cast<uint8_t>(bytes[position + 1]);
    std::fill_n(&image.pixels[i], copies, table[sample]);
  }
  return image;
}

RgbImage decode_bitmap(std::string_view bytes, RgbImage image) {
  const size_t width = static_cast<size_t>(image.width);
  const size_t row_bytes = (width + 7) / 8;
  for (size_t y = 0; y < static_cast<size_t>(image.height); ++y) {
    for (size_t x = 0; x < width; ++x) {
      const bool black = (bytes[y * row_bytes + x / 8] >> (7 - x % 8) & 1) != 0;
      std::fill_n(&image.pixels[(y * width + x) * 3], 3, black ? uint8_t{0} : uint8_t{255});
    }
  }
  return image;
}

bool matches(std::string_view bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '4' && bytes[1] <= '6' && is_space(bytes[2]);
}

ImageHeader read_header(std::string_view bytes) {
  const PnmHeader header = read_pnm_header(bytes);
  return {"pnm", header.width, header.height};
}

RgbImage decode(std::string_view bytes, const ImageHeader& size) {
  const PnmHeader header = read_pnm_header(bytes);
  ByteReader reader(bytes, "PNM image");
  reader.seek(header.data_position);
  const size_t width = static_cast<size_t>(size.width);
  const size_t num_samples = (header.kind == '6' ? 3 : 1) * width;
  const size_t row_bytes = header.kind == '4' ? (width + 7) / 8 : num_samples * (header.max_value > 255 ? 2 : 1);
  const std::string_view rows = reader.take(row_bytes * static_cast<size_t>(size.height));
  return header.kind == '4' ? decode_bitmap(rows, make_image(size)) : decode_samples(rows, header, make_image(size));
}

}  // namespace

ImageCodec pnm_codec() {
  return {"PNM", matches, read_header, decode};
}

}  // namespace spyhop
