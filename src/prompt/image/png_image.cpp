// PNG through libpng.
#include <png.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "prompt/image/byte_reader.h"
#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

constexpr std::string_view kMagic("\x89PNG\r\n\x1a\n", 8);
constexpr size_t kMaxDeflateRatio = 1032;  // no deflate stream expands further

/// Owns a libpng reader over bytes in memory. libpng reports errors by longjmp, so each call of it stands in `guarded`.
class PngReader {
 public:
  explicit PngReader(std::string_view bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      refuse_image("PNG", "out of memory");
    }
    png_set_read_fn(png_, this, on_read);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  void read_info() {
    guarded([this] {
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // what is optional never matters here
      png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_QUIET_USE);
      png_read_info(png_, info_);
      // Pillow leaves the check of the pixel data to zlib, so a wrong CRC alone does not spoil an image.
      png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    });
  }

  /// Bytes of the uncompressed image, by the header.
  size_t raw_bytes() const {
    return (png_get_rowbytes(png_, info_) + 1) * static_cast<size_t>(png_get_image_height(png_, info_));
  }

  void read_rgb(RgbImage& image) {
    uint8_t* const pixels = image.pixels.data();
    const size_t stride = static_cast<size_t>(image.width) * 3;
    guarded([this, pixels, stride] {
      const int passes = request_rgb();
      const png_uint_32 height = png_get_image_height(png_, info_);
      for (int pass = 0; pass < passes; ++pass) {
        for (png_uint_32 y = 0; y < height; ++y) png_read_row(png_, pixels + y * stride, nullptr);
      }
    });
  }

 private:
  /// Sets the conversions to 8-bit RGB; returns the number of interlace passes.
  int request_rgb() {
    const int depth = png_get_bit_depth(png_, info_);
    const int type = png_get_color_type(png_, info_);
    if (type == PNG_COLOR_TYPE_PALETTE) {
      complete_palette(1 << depth);
      png_set_palette_to_rgb(png_);
    }
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_alpha(png_);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png_);
    if (depth == 16 && type == PNG_COLOR_TYPE_GRAY) {
      png_set_read_user_transform_fn(png_, clip_16_to_8);
      png_set_user_transform_info(png_, nullptr, 8, 3);
    } else if (depth == 16) {
      png_set_strip_16(png_);
    }
    const int passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != size_t{png_get_image_width(png_, info_)} * 3) png_error(png_, "its rows are not RGB");
    return passes;
  }

  /// Indices beyond a short palette stand for grey levels in Pillow.
  void complete_palette(int num_entries) {
    std::array<png_color, PNG_MAX_PALETTE_LENGTH> colors;
    for (size_t i = 0; i < colors.size(); ++i) {
      const auto grey = static_cast<png_byte>(i);
      colors[i] = {grey, grey, grey};
    }
    png_colorp given = nullptr;
    int num_given = 0;
    png_get_PLTE(png_, info_, &given, &num_given);
    std::copy_n(given, num_given, colors.begin());
    png_set_PLTE(png_, info_, colors.data(), num_entries);
  }

  /// Pillow opens 16-bit grey as 32-bit integers, and its conversion to RGB clips them; all other 16-bit kinds keep the high
  /// byte.
  static void clip_16_to_8(png_structp /*png*/, png_row_infop row, png_bytep data) {
    const size_t num_samples = row->rowbytes / 2;
    for (size_t i = 0; i < num_samples; ++i) data[i] = data[2 * i] != 0 ? png_byte{255} : data[2 * i + 1];
  }

  template <typename Body>
  void guarded(Body body) {
    if (setjmp(png_jmpbuf(png_)) != 0) refuse_image("PNG", message_.data());
    body();
  }

  static void on_error(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngReader*>(png_get_error_ptr(png));
    std::snprintf(self->message_.data(), self->message_.size(), "%s", message);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp /*png*/, png_const_charp /*message*/) {}

  static void on_read(png_structp png, png_bytep out, size_t count) {
    auto* self = static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self->bytes_.size() - self->position_) png_error(png, "the file is truncated");
    std::memcpy(out, self->bytes_.data() + self->position_, count);
    self->position_ += count;
  }

  std::string_view bytes_;
  size_t position_ = 0;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::array<char, 128> message_{};
};

bool matches(std::string_view bytes) {
  return bytes.substr(0, kMagic.size()) == kMagic;
}

ImageHeader read_header(std::string_view bytes) {
  ByteReader reader(bytes, "PNG image");
  reader.skip(kMagic.size() + 4);
  if (reader.take(4) != "IHDR") refuse_image("PNG", "its first chunk is not IHDR");
  const uint32_t width = reader.u32_be();
  const uint32_t height = reader.u32_be();
  if (width > INT_MAX || height > INT_MAX) {
    refuse_image("PNG", "its size is " + std::to_string(width) + " x " + std::to_string(height) + " pixels");
  }
  return {"png", static_cast<int>(width), static_cast<int>(height)};
}

RgbImage decode(std::string_view bytes, const ImageHeader& header) {
  PngReader reader(bytes);
  reader.read_info();
  if (reader.raw_bytes() / kMaxDeflateRatio > bytes.size()) {
    refuse_image("PNG", std::to_string(bytes.size()) + " bytes cannot hold the " + std::to_string(header.width) + " x " +
                            std::to_string(header.height) + " pixels of its header");
  }
  RgbImage image = make_image(header);
  reader.read_rgb(image);
  return image;
}

}  // namespace

ImageCodec png_codec() {
  return {"PNG", matches, read_header, decode};
}

}  // namespace spyhop
