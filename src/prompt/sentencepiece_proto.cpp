#include <cstdint>

#include "prompt/sentencepiece_model.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

// The part of sentencepiece_model.proto that is read here: ModelProto.pieces = 1, with piece = 1 and type = 3.
constexpr uint64_t kPiecesField = 1;
constexpr uint64_t kTextField = 1;
constexpr uint64_t kTypeField = 3;
constexpr char kControlType = 3;
constexpr char kUserDefinedType = 4;

/// Steps through the fields of a protocol buffer message.
class FieldReader {
 public:
  FieldReader(const std::string& bytes, size_t begin, size_t end, const std::string& file)
      : bytes_(bytes), at_(begin), end_(end), file_(file) {}

  struct Field {
    uint64_t number;
    bool is_delimited;
    size_t begin;  // of the value, or of the content of a delimited one
    size_t end;
  };

  bool has_more() const { return at_ < end_; }

  Field next() {
    const uint64_t key = read_varint();
    Field field{key >> 3, (key & 7) == 2, at_, at_};
    switch (key & 7) {
      case 0:
        read_varint();
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const uint64_t size = read_varint();
        field.begin = at_;
        skip(size);
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        fail();
    }
    field.end = at_;
    return field;
  }

 private:
  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) fail();
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  void skip(uint64_t size) {
    if (size > end_ - at_) fail();
    at_ += static_cast<size_t>(size);
  }

  [[noreturn]] void fail() const {
    throw Error(ErrorCode::kModelLoad, file_ + ": no SentencePiece model: damaged at byte " + std::to_string(at_));
  }

  const std::string& bytes_;
  size_t at_;
  size_t end_;
  const std::string& file_;
};

/// A piece's text and where its type, a single byte, is; npos: not given, so a normal piece.
struct Piece {
  std::string_view text;
  size_t type_at = std::string::npos;
};

Piece read_piece(const std::string& bytes, const FieldReader::Field& message, const std::string& file) {
  Piece piece;
  for (FieldReader reader(bytes, message.begin, message.end, file); reader.has_more();) {
    const FieldReader::Field field = reader.next();
    if (field.number == kTextField && field.is_delimited) {
      piece.text = std::string_view(bytes).substr(field.begin, field.end - field.begin);
    }
    if (field.number != kTypeField) continue;
    if (field.end - field.begin != 1)
      throw Error(ErrorCode::kModelLoad, file + ": no SentencePiece model: unknown type of piece");
    piece.type_at = field.begin;
  }
  return piece;
}

}  // namespace

std::string hide_user_defined_pieces(std::string bytes, const std::function<bool(std::string_view piece)>& is_hidden,
                                     const std::string& file) {
  for (FieldReader reader(bytes, 0, bytes.size(), file); reader.has_more();) {
    const FieldReader::Field field = reader.next();
    if (field.number != kPiecesField || !field.is_delimited) continue;
    const Piece piece = read_piece(bytes, field, file);
    const bool is_user_defined = piece.type_at != std::string::npos && bytes[piece.type_at] == kUserDefinedType;
    if (is_user_defined && is_hidden(piece.text)) bytes[piece.type_at] = kControlType;
  }
  return bytes;
}

}  // namespace spyhop
