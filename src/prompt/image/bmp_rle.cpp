#include "prompt/image/bmp_rle.h"

#include <algorithm>
#include <utility>

#include "prompt/image/byte_reader.h"

namespace spyhop {
namespace {

/// A cursor on the rows. What a row cannot hold is dropped; pixels are put only while `done` is false.
class RunCanvas {
 public:
  explicit RunCanvas(const BmpRuns& runs) : runs_(runs), rows_(runs.stride * static_cast<size_t>(runs.height)) {}

  bool done() const { return y_ >= runs_.height || (y_ == runs_.height - 1 && x_ >= runs_.width); }
  void next_row() {
    x_ = 0;
    ++y_;
  }
  void move(int right, int up) {
    x_ = std::min(x_ + right, runs_.width);
    y_ += up;
  }
  void put(int index) {
    if (x_ >= runs_.width) return;
    uint8_t* row = rows_.data() + static_cast<size_t>(y_) * runs_.stride;
    if (runs_.four_bit) {
      row[x_ / 2] = static_cast<uint8_t>(row[x_ / 2] | index << (x_ % 2 == 0 ? 4 : 0));
    } else {
      row[x_] = static_cast<uint8_t>(index);
    }
    ++x_;
  }
  /// The i-th pixel of a byte that holds one or two.
  int index_in(int byte, int i) const {
    if (!runs_.four_bit) return byte;
    return i % 2 == 0 ? byte >> 4 : byte & 0x0F;
  }
  std::vector<uint8_t> take_rows() { return std::move(rows_); }

 private:
  BmpRuns runs_;
  std::vector<uint8_t> rows_;
  int x_ = 0;
  int y_ = 0;
};

void copy_literal(ByteReader& reader, int count, bool four_bit, RunCanvas& canvas) {
  const int num_bytes = four_bit ? (count + 1) / 2 : count;
  const std::string_view block = reader.take(static_cast<size_t>(num_bytes));
  for (int i = 0; i < count; ++i) {
    const auto byte = static_cast<uint8_t>(block[static_cast<size_t>(four_bit ? i / 2 : i)]);
    canvas.put(canvas.index_in(byte, i));
  }
  if (num_bytes % 2 != 0 && reader.remaining() > 0) reader.skip(1);
}

}  // namespace

std::vector<uint8_t> decode_bmp_rle(std::string_view data, const BmpRuns& runs) {
  constexpr int kEndOfRow = 0;
  constexpr int kEndOfImage = 1;
  constexpr int kDelta = 2;
  ByteReader reader(data, "BMP image");
  RunCanvas canvas(runs);
  while (!canvas.done()) {
    const int count = reader.u8();
    const int byte = reader.u8();
    if (count > 0) {
      for (int i = 0; i < count; ++i) canvas.put(canvas.index_in(byte, i));
    } else if (byte == kEndOfRow) {
      canvas.next_row();
    } else if (byte == kEndOfImage) {
      break;
    } else if (byte == kDelta) {
      const int right = reader.u8();
      canvas.move(right, reader.u8());
    } else {
      copy_literal(reader, byte, runs.four_bit, canvas);
    }
  }
  return canvas.take_rows();
}

}  // namespace spyhop
