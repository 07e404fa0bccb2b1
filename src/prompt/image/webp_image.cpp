// WebP through libwebp: lossy, lossless, and the first frame of an animation.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

/// The first frame of a file; owns what libwebpdemux allocates for it.
class FirstFrame {
 public:
  explicit FirstFrame(std::string_view bytes) {
    const WebPData data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    demuxer_.reset(WebPDemux(&data));
    if (!demuxer_) refuse_image("WebP", "the file is damaged or truncated");
    if (WebPDemuxGetFrame(demuxer_.get(), 1, &frame_) == 0) refuse_image("WebP", "it has no frame");
  }
  ~FirstFrame() { WebPDemuxReleaseIterator(&frame_); }
  FirstFrame(const FirstFrame&) = delete;
  FirstFrame& operator=(const FirstFrame&) = delete;

  const WebPIterator& operator*() const { return frame_; }
  uint32_t feature(WebPFormatFeature which) const { return WebPDemuxGetI(demuxer_.get(), which); }

 private:
  std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer_;
  WebPIterator frame_{};
};

bool matches(std::string_view bytes) {
  return bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 4) == "WEBP";
}

ImageHeader read_header(std::string_view bytes) {
  const FirstFrame frame(bytes);
  return {"webp", static_cast<int>(frame.feature(WEBP_FF_CANVAS_WIDTH)),
          static_cast<int>(frame.feature(WEBP_FF_CANVAS_HEIGHT))};
}

RgbImage decode(std::string_view bytes, const ImageHeader& header) {
  const FirstFrame first(bytes);
  const WebPIterator& frame = *first;
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 && frame.height > 0 &&
                      frame.width <= header.width - frame.x_offset && frame.height <= header.height - frame.y_offset;
  if (!inside) refuse_image("WebP", "its first frame lies outside the canvas");
  RgbImage image = make_image(header);
  const size_t stride = static_cast<size_t>(header.width) * 3;
  const size_t offset = static_cast<size_t>(frame.y_offset) * stride + static_cast<size_t>(frame.x_offset) * 3;
  const uint8_t* decoded = WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, image.pixels.data() + offset,
                                             image.pixels.size() - offset, static_cast<int>(stride));
  if (decoded == nullptr) refuse_image("WebP", "its pixel data is damaged or truncated");
  return image;
}

}  // namespace

ImageCodec webp_codec() {
  return {"WebP", matches, read_header, decode};
}

}  // namespace spyhop
