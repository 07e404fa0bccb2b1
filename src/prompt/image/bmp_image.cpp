// Windows and OS/2 bitmaps of 1 to 32 bits per pixel.
#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

#include "prompt/image/bmp_rle.h"
#include "prompt/image/byte_reader.h"
#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kOs2HeaderBytes = 12;
constexpr uint32_t kMaskedHeaderBytes = 52;  // from here on the header itself holds the channel masks

enum Compression : uint32_t { kRaw = 0, kRle8 = 1, kRle4 = 2, kBitfields = 3 };

struct BmpHeader {
  int width = 0;
  int height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = kRaw;
  uint32_t num_colors = 0;
  size_t palette_entry_bytes = 4;
  std::array<uint32_t, 3> masks{};  // red, green, blue
  size_t palette_position = 0;
  size_t data_position = 0;

  size_t row_bytes() const { return (static_cast<size_t>(width) * static_cast<size_t>(bits) + 7) / 8; }
  size_t stride() const { return (row_bytes() + 3) / 4 * 4; }
};

void read_os2_fields(ByteReader& reader, BmpHeader& header) {
  header.width = reader.u16_le();
  header.height = reader.u16_le();
  reader.skip(2);
  header.bits = reader.u16_le();
  header.palette_entry_bytes = 3;
}

void read_windows_fields(ByteReader& reader, BmpHeader& header) {
  const uint32_t width = reader.u32_le();
  const auto height = static_cast<int32_t>(reader.u32_le());
  if (width > INT_MAX || height == INT_MIN) {
    refuse_image("BMP", "its size is " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
  }
  header.width = static_cast<int>(width);
  header.height = std::abs(height);
  header.top_down = height < 0;
  reader.skip(2);
  header.bits = reader.u16_le();
  header.compression = reader.u32_le();
  reader.skip(12);
  header.num_colors = reader.u32_le();
  reader.skip(4);
}

void check_kind(const BmpHeader& header) {
  constexpr std::array<int, 6> kDepths = {1, 4, 8, 16, 24, 32};
  if (std::find(kDepths.begin(), kDepths.end(), header.bits) == kDepths.end()) {
    refuse_image("BMP", "it has " + std::to_string(header.bits) + " bits per pixel; allowed: 1, 4, 8, 16, 24, 32");
  }
  const bool known = header.compression == kRaw || (header.compression == kRle8 && header.bits == 8) ||
                     (header.compression == kRle4 && header.bits == 4) ||
                     (header.compression == kBitfields && header.bits >= 16);
  if (!known) {
    refuse_image(
        "BMP", "compression " + std::to_string(header.compression) + " with " + std::to_string(header.bits) +
                   " bits per pixel; allowed: 0 (none), 1 (8-bit runs), 2 (4-bit runs), 3 (channel masks of 16 bits and more)");
  }
}

void set_default_masks(BmpHeader& header) {
  header.masks =
      header.bits == 16 ? std::array<uint32_t, 3>{0x7C00, 0x3E0, 0x1F} : std::array<uint32_t, 3>{0xFF0000, 0xFF00, 0xFF};
}

BmpHeader read_bmp_header(std::string_view bytes) {
  constexpr std::array<uint32_t, 7> kHeaderSizes = {kOs2HeaderBytes, 40, kMaskedHeaderBytes, 56, 64, 108, 124};
  ByteReader reader(bytes, "BMP image");
  reader.skip(10);
  BmpHeader header;
  header.data_position = reader.u32_le();
  const uint32_t header_bytes = reader.u32_le();
  if (std::find(kHeaderSizes.begin(), kHeaderSizes.end(), header_bytes) == kHeaderSizes.end()) {
    refuse_image("BMP", "its header has " + std::to_string(header_bytes) + " bytes; allowed: 12, 40, 52, 56, 64, 108, 124");
  }
  if (header_bytes == kOs2HeaderBytes) {
    read_os2_fields(reader, header);
  } else {
    read_windows_fields(reader, header);
  }
  check_kind(header);
  set_default_masks(header);
  if (header.compression == kBitfields) {
    std::array<uint32_t, 3> masks{};
    for (uint32_t& mask : masks) mask = reader.u32_le();
    if (masks != std::array<uint32_t, 3>{}) header.masks = masks;
  }
  const bool masks_follow_header = header.compression == kBitfields && header_bytes < kMaskedHeaderBytes;
  header.palette_position = kFileHeaderBytes + header_bytes + (masks_follow_header ? 12 : 0);
  if (header.num_colors == 0 && header.bits <= 8) header.num_colors = 1U << header.bits;
  const size_t palette_bytes = header.bits <= 8 ? header.palette_entry_bytes * header.num_colors : 0;
  // Some writers point at the palette instead of the pixels.
  if (header.data_position <= header.palette_position) header.data_position = header.palette_position + palette_bytes;
  return header;
}

/// 256 RGB entries; indices beyond a short palette stand for grey levels, as in Pillow.
std::vector<uint8_t> read_palette(std::string_view bytes, const BmpHeader& header) {
  constexpr uint32_t kMaxColors = 256;
  if (header.num_colors > kMaxColors) {
    refuse_image("BMP", "its palette has " + std::to_string(header.num_colors) + " colours; allowed are at most 256");
  }
  ByteReader reader(bytes, "BMP image");
  reader.seek(header.palette_position);
  std::vector<uint8_t> palette(size_t{kMaxColors} * 3);
  for (size_t i = 0; i < palette.size(); ++i) palette[i] = static_cast<uint8_t>(i / 3);
  for (size_t i = 0; i < header.num_colors; ++i) {
    const std::string_view bgr = reader.take(header.palette_entry_bytes);
    for (size_t c = 0; c < 3; ++c) palette[3 * i + c] = static_cast<uint8_t>(bgr[2 - c]);
  }
  return palette;
}

/// Extracts a channel of a masked pixel and scales it to 8 bits.
class Channel {
 public:
  explicit Channel(uint32_t mask) : mask_(mask) {
    if (mask == 0) refuse_image("BMP", "a channel mask is 0");
    while ((mask >> shift_ & 1) == 0) ++shift_;
    max_ = mask >> shift_;
    if ((max_ & (max_ + 1)) != 0) refuse_image("BMP", "the bits of a channel mask are not adjacent");
  }
  uint8_t operator()(uint32_t pixel) const {
    const uint32_t value = (pixel & mask_) >> shift_;
    return static_cast<uint8_t>(max_ == 255 ? value : uint64_t{value} * 255 / max_);  // a division for each sample is slow
  }

 private:
  uint32_t mask_;
  int shift_ = 0;
  uint32_t max_ = 0;
};

/// One row of 16, 24 or 32 bits per pixel.
class MaskedRow {
 public:
  explicit MaskedRow(const BmpHeader& header)
      : pixel_bytes_(static_cast<size_t>(header.bits) / 8),
        channels_{Channel(header.masks[0]), Channel(header.masks[1]), Channel(header.masks[2])} {}

  void decode(const uint8_t* row, int width, uint8_t* rgb) const {
    for (int x = 0; x < width; ++x, row += pixel_bytes_) {
      uint32_t pixel = 0;
      for (size_t i = pixel_bytes_; i-- > 0;) pixel = pixel << 8 | row[i];
      for (const Channel& channel : channels_) *rgb++ = channel(pixel);
    }
  }

 private:
  size_t pixel_bytes_;
  std::array<Channel, 3> channels_;
};

/// One row of 1, 4 or 8 bits per pixel, the leftmost pixel in the highest bits.
void decode_indexed_row(const uint8_t* row, const BmpHeader& header, const std::vector<uint8_t>& palette, uint8_t* rgb) {
  const int per_byte = 8 / header.bits;
  const int mask = (1 << header.bits) - 1;
  for (int x = 0; x < header.width; ++x) {
    const int shift = (per_byte - 1 - x % per_byte) * header.bits;
    const auto index = static_cast<size_t>(row[x / per_byte] >> shift & mask);
    std::copy_n(&palette[index * 3], 3, rgb + static_cast<ptrdiff_t>(x) * 3);
  }
}

bool matches(std::string_view bytes) {
  return bytes.substr(0, 2) == "BM";
}

ImageHeader read_header(std::string_view bytes) {
  const BmpHeader header = read_bmp_header(bytes);
  return {"bmp", header.width, header.height};
}

RgbImage decode_rows(const uint8_t* rows, const BmpHeader& header, const std::vector<uint8_t>& palette, RgbImage image) {
  const MaskedRow masked(header);
  const size_t rgb_stride = static_cast<size_t>(header.width) * 3;
  for (int i = 0; i < header.height; ++i) {
    const int y = header.top_down ? i : header.height - 1 - i;
    uint8_t* rgb = image.pixels.data() + static_cast<size_t>(y) * rgb_stride;
    const uint8_t* row = rows + static_cast<size_t>(i) * header.stride();
    if (header.bits <= 8) {
      decode_indexed_row(row, header, palette, rgb);
    } else {
      masked.decode(row, header.width, rgb);
    }
  }
  return image;
}

RgbImage decode(std::string_view bytes, const ImageHeader& size) {
  BmpHeader header = read_bmp_header(bytes);
  const std::vector<uint8_t> palette = header.bits <= 8 ? read_palette(bytes, header) : std::vector<uint8_t>();
  ByteReader reader(bytes, "BMP image");
  reader.seek(header.data_position);
  if (header.compression == kRle8 || header.compression == kRle4) {
    const BmpRuns runs{header.width, header.height, header.stride(), header.compression == kRle4};
    const std::vector<uint8_t> rows = decode_bmp_rle(reader.take(reader.remaining()), runs);
    return decode_rows(rows.data(), header, palette, make_image(size));
  }
  const size_t needed = header.stride() * (static_cast<size_t>(header.height) - 1) + header.row_bytes();
  const std::string_view rows = reader.take(needed);
  return decode_rows(reinterpret_cast<const uint8_t*>(rows.data()), header, palette, make_image(size));
}

}  // namespace

ImageCodec bmp_codec() {
  return {"BMP", matches, read_header, decode};
}

}  // namespace spyhop
