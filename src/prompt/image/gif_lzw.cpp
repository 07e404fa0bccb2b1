#include "prompt/image/gif_lzw.h"

#include <algorithm>
#include <array>
#include <string>

#include "prompt/image/byte_reader.h"
#include "prompt/image/image_codec.h"

namespace spyhop {
namespace {

constexpr int kMaxCodeBits = 12;
constexpr int kMaxCodes = 1 << kMaxCodeBits;

/// Codes of up to 12 bits, least significant bit first, out of length-prefixed sub-blocks.
class CodeReader {
 public:
  explicit CodeReader(std::string_view blocks) : reader_(blocks, "GIF image") {}

  int next(int num_bits) {
    while (num_buffered_ < num_bits) {
      if (block_.empty()) {
        block_ = reader_.take(reader_.u8());
        if (block_.empty()) refuse_image("GIF", "its pixel data ends too early");
      }
      buffer_ |= static_cast<uint32_t>(static_cast<uint8_t>(block_[0])) << num_buffered_;
      block_.remove_prefix(1);
      num_buffered_ += 8;
    }
    const int code = static_cast<int>(buffer_ & ((1U << num_bits) - 1));
    buffer_ >>= num_bits;
    num_buffered_ -= num_bits;
    return code;
  }

 private:
  ByteReader reader_;
  std::string_view block_;
  uint32_t buffer_ = 0;
  int num_buffered_ = 0;
};

/// The strings that codes stand for, each its prefix's code and a last index.
class CodeTable {
 public:
  explicit CodeTable(int min_code_size) : clear_(1 << min_code_size), initial_bits_(min_code_size + 1) { reset(); }

  int clear_code() const { return clear_; }
  int end_code() const { return clear_ + 1; }
  int code_bits() const { return code_bits_; }

  void reset() {
    next_ = clear_ + 2;
    code_bits_ = initial_bits_;
    previous_ = kNone;
  }

  /// Appends the string of `code`, at most up to `limit` elements in all, and learns a new one from it.
  void expand(int code, size_t limit, std::vector<uint8_t>& out) {
    const bool is_first = previous_ == kNone;
    if (code > (is_first ? clear_ - 1 : next_)) refuse_image("GIF", "its pixel data is damaged");
    size_t begin = string_.size();
    int link = code;
    if (!is_first && code == next_) {  // the string being learnt: the previous one and its own first index
      string_[--begin] = first_index_;
      link = previous_;
    }
    while (link >= clear_) {
      const auto entry = static_cast<size_t>(link);
      if (begin <= 1 || entry >= prefix_.size()) refuse_image("GIF", "its pixel data is damaged");
      string_[--begin] = suffix_[entry];
      link = prefix_[entry];
    }
    first_index_ = static_cast<uint8_t>(link);
    string_[--begin] = first_index_;
    if (!is_first) learn();
    previous_ = code;
    const size_t count = std::min(string_.size() - begin, limit - out.size());
    out.insert(out.end(), &string_[begin], &string_[begin] + count);
  }

 private:
  static constexpr int kNone = -1;

  void learn() {
    if (next_ == kMaxCodes) return;
    prefix_[static_cast<size_t>(next_)] = static_cast<uint16_t>(previous_);
    suffix_[static_cast<size_t>(next_)] = first_index_;
    ++next_;
    if (next_ == 1 << code_bits_ && code_bits_ < kMaxCodeBits) ++code_bits_;
  }

  int clear_;
  int initial_bits_;
  int code_bits_ = 0;
  int next_ = 0;
  int previous_ = kNone;
  uint8_t first_index_ = 0;
  std::array<uint16_t, kMaxCodes> prefix_{};
  std::array<uint8_t, kMaxCodes> suffix_{};
  std::array<uint8_t, kMaxCodes + 1> string_{};  // filled from its end
};

}  // namespace

std::vector<uint8_t> decode_gif_lzw(std::string_view blocks, int min_code_size, size_t num_pixels) {
  if (min_code_size < 1 || min_code_size > 8) {
    refuse_image("GIF", "its code size is " + std::to_string(min_code_size) + "; allowed: 1 to 8");
  }
  CodeReader reader(blocks);
  CodeTable table(min_code_size);
  std::vector<uint8_t> indices;
  indices.reserve(num_pixels);
  while (indices.size() < num_pixels) {
    const int code = reader.next(table.code_bits());
    if (code == table.clear_code()) {
      table.reset();
    } else if (code == table.end_code()) {
      refuse_image("GIF", "its pixel data ends too early");
    } else {
      table.expand(code, num_pixels, indices);
    }
  }
  return indices;
}

}  // namespace spyhop
