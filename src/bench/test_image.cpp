#include "bench/test_image.h"

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/random_source.h"
#include "common/encoding.h"
#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kMaxSide = 16384;
constexpr int64_t kMaxPixels = 50'000'000;
constexpr int kNumChannels = 3;
constexpr int kNumRectangles = 24;
constexpr int kQuality = 90;
constexpr uint64_t kImageStream = 0x1357;

int parse_side(std::string_view digits) {
  int side = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), side);
  return error == std::errc() && end == digits.data() + digits.size() && side >= 1 && side <= kMaxSide ? side : 0;
}

/// RGB, row by row.
std::vector<unsigned char> draw(ImageSize size, RandomSource& random) {
  const auto width = static_cast<size_t>(size.width), height = static_cast<size_t>(size.height);
  std::vector<unsigned char> pixels(width * height * kNumChannels);
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      unsigned char* const pixel = &pixels[(y * width + x) * kNumChannels];
      pixel[0] = static_cast<unsigned char>(x * 255 / width);
      pixel[1] = static_cast<unsigned char>(y * 255 / height);
      pixel[2] = 128;
    }
  }
  for (int i = 0; i < kNumRectangles; ++i) {
    const size_t left = random.below(width), top = random.below(height);
    const size_t right = random.between(left + 1, width), bottom = random.between(top + 1, height);
    const std::array<unsigned char, kNumChannels> colour = {static_cast<unsigned char>(random.below(256)),
                                                            static_cast<unsigned char>(random.below(256)),
                                                            static_cast<unsigned char>(random.below(256))};
    for (size_t y = top; y < bottom; ++y) {
      for (size_t x = left; x < right; ++x) std::copy(colour.begin(), colour.end(), &pixels[(y * width + x) * kNumChannels]);
    }
  }
  return pixels;
}

struct TurboJpegDeleter {
  void operator()(void* handle) const { tjDestroy(handle); }
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

}  // namespace

ImageSize parse_image_size(const std::string& text, const std::string& flag) {
  const size_t cross = text.find('x');
  const std::string_view view = text;
  const ImageSize size{parse_side(view.substr(0, cross)), cross == std::string::npos ? 0 : parse_side(view.substr(cross + 1))};
  if (size.width == 0 || size.height == 0 || int64_t{size.width} * size.height > kMaxPixels) {
    throw Error(ErrorCode::kInvalidRequest,
                flag + " = " + in_quotes(text) + "; allowed: WIDTHxHEIGHT, each 1 to " + std::to_string(kMaxSide) +
                    ", together at most " + std::to_string(kMaxPixels) + " pixels",
                flag);
  }
  return size;
}

std::string make_test_image(ImageSize size, uint64_t seed) {
  RandomSource random(seed, kImageStream);
  const std::vector<unsigned char> pixels = draw(size, random);
  const std::unique_ptr<void, TurboJpegDeleter> encoder(tjInitCompress());
  if (encoder == nullptr) throw Error(ErrorCode::kInternal, "no JPEG encoder");
  unsigned char* bytes = nullptr;
  unsigned long num_bytes = 0;
  const int status = tjCompress2(encoder.get(), pixels.data(), size.width, 0, size.height, TJPF_RGB, &bytes, &num_bytes,
                                 TJSAMP_420, kQuality, 0);
  const std::unique_ptr<unsigned char, TurboJpegDeleter> owner(bytes);
  if (status != 0) throw Error(ErrorCode::kInternal, std::string("JPEG encoder: ") + tjGetErrorStr2(encoder.get()));
  return {reinterpret_cast<const char*>(bytes), num_bytes};
}

std::string image_data_url(const std::string& bytes, const std::string& name) {
  const std::string_view view = bytes;
  const auto starts_with = [&](std::string_view signature) { return view.substr(0, signature.size()) == signature; };
  const char* type = nullptr;
  if (starts_with("\xFF\xD8\xFF")) type = "jpeg";
  if (starts_with("\x89PNG\r\n\x1A\n")) type = "png";
  if (starts_with("GIF8")) type = "gif";
  if (starts_with("BM")) type = "bmp";
  if (starts_with("RIFF") && view.size() >= 12 && view.substr(8, 4) == "WEBP") type = "webp";
  if (type == nullptr) {
    throw Error(ErrorCode::kInvalidRequest, name + " is no image that is understood: JPEG, PNG, WebP, GIF or BMP", name);
  }
  return std::string("data:image/") + type + ";base64," + base64_encode(bytes);
}

}  // namespace spyhop
