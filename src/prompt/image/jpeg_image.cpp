// JPEG through libturbojpeg, with libjpeg's own defaults: accurate integer IDCT, smooth chroma upsampling.
#include <turbojpeg.h>

#include <memory>
#include <string>

#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

// Each scan of a progressive file costs a pass over the whole image; encoders write some ten.
constexpr int kMaxScans = 100;

constexpr uint8_t kSoi = 0xD8;
constexpr uint8_t kEoi = 0xD9;
constexpr uint8_t kSos = 0xDA;
constexpr uint8_t kTem = 0x01;

struct MarkerSummary {
  int num_scans = 0;
  bool complete = false;  // ends with EOI
};

uint8_t byte_at(std::string_view bytes, size_t i) {
  return static_cast<uint8_t>(bytes[i]);
}

bool is_standalone(uint8_t marker) {
  return marker == kTem || (marker >= 0xD0 && marker <= kSoi);
}

/// Walks the markers from SOI to EOI or the end. Entropy-coded data, where 0xFF is always followed by 0x00 or a restart
/// marker, is passed over like any other bytes between markers.
MarkerSummary summarise_markers(std::string_view bytes) {
  MarkerSummary summary;
  size_t i = 0;
  while (true) {
    i = bytes.find('\xFF', i);
    if (i == std::string_view::npos || i + 1 >= bytes.size()) return summary;
    const uint8_t marker = byte_at(bytes, i + 1);
    if (marker == 0xFF) {
      ++i;
      continue;
    }
    i += 2;
    if (marker == 0x00 || is_standalone(marker)) continue;
    if (marker == kEoi) {
      summary.complete = true;
      return summary;
    }
    if (marker == kSos) ++summary.num_scans;
    if (i + 2 > bytes.size()) return summary;
    i += static_cast<size_t>(byte_at(bytes, i) << 8 | byte_at(bytes, i + 1));
  }
}

/// A libturbojpeg decompressor and its views of one file.
class JpegReader {
 public:
  explicit JpegReader(std::string_view bytes) : bytes_(bytes), handle_(tjInitDecompress()) {
    if (handle_ == nullptr) refuse_image("JPEG", tjGetErrorStr());
    // The call also fails for subsamplings that it has no name for, which can be decoded all the same.
    if (tjDecompressHeader3(handle_, data(), size(), &width_, &height_, &subsampling_, &colorspace_) != 0 &&
        (width_ <= 0 || height_ <= 0 || colorspace_ < 0)) {
      const std::string reason = tjGetErrorStr2(handle_);
      tjDestroy(handle_);
      refuse_image("JPEG", reason);
    }
  }
  ~JpegReader() { tjDestroy(handle_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  int width() const { return width_; }
  int height() const { return height_; }
  bool has_four_components() const { return colorspace_ == TJCS_CMYK || colorspace_ == TJCS_YCCK; }

  /// `pixels` holds width x height pixels of `format`. Damaged data is no error where libjpeg can carry on, as in Pillow.
  void decompress(uint8_t* pixels, TJPF format) {
    if (tjDecompress2(handle_, data(), size(), pixels, width_, 0, height_, format, TJFLAG_ACCURATEDCT) != 0 &&
        tjGetErrorCode(handle_) != TJERR_WARNING) {
      refuse_image("JPEG", tjGetErrorStr2(handle_));
    }
  }

 private:
  const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(bytes_.data()); }
  unsigned long size() const { return bytes_.size(); }

  std::string_view bytes_;
  tjhandle handle_;
  int width_ = 0;
  int height_ = 0;
  int subsampling_ = -1;
  int colorspace_ = -1;
};

/// a * b / 255 rounded, as Pillow computes it.
uint8_t multiply_255(int a, int b) {
  const int product = a * b + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

/// Four-component JPEG files hold inverted values by Adobe's convention, and Pillow takes all of them so.
void inverted_cmyk_to_rgb(const uint8_t* cmyk, size_t num_pixels, uint8_t* rgb) {
  for (size_t i = 0; i < num_pixels; ++i) {
    for (size_t c = 0; c < 3; ++c) rgb[3 * i + c] = multiply_255(cmyk[4 * i + c], cmyk[4 * i + 3]);
  }
}

bool matches(std::string_view bytes) {
  return bytes.substr(0, 3) == "\xFF\xD8\xFF";
}

ImageHeader read_header(std::string_view bytes) {
  const JpegReader reader(bytes);
  return {"jpeg", reader.width(), reader.height()};
}

RgbImage decode(std::string_view bytes, const ImageHeader& header) {
  const MarkerSummary markers = summarise_markers(bytes);
  if (!markers.complete) refuse_image("JPEG", "the file is truncated: it has no end marker");
  if (markers.num_scans > kMaxScans) {
    refuse_image("JPEG",
                 "it has " + std::to_string(markers.num_scans) + " scans; allowed are at most " + std::to_string(kMaxScans));
  }
  JpegReader reader(bytes);
  RgbImage image = make_image(header);
  if (reader.has_four_components()) {
    std::vector<uint8_t> cmyk(image.pixels.size() / 3 * 4);
    reader.decompress(cmyk.data(), TJPF_CMYK);
    inverted_cmyk_to_rgb(cmyk.data(), cmyk.size() / 4, image.pixels.data());
  } else {
    reader.decompress(image.pixels.data(), TJPF_RGB);
  }
  return image;
}

}  // namespace

ImageCodec jpeg_codec() {
  return {"JPEG", matches, read_header, decode};
}

}  // namespace spyhop
