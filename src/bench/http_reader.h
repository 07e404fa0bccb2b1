// HTTP/1.1 answers, as they arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace spyhop {

/// Takes one answer apart that comes in pieces of any size: status, and the body out of its framing (chunked, by length, or up
/// to the end of the connection). Answers of 100 to 199 before it are skipped.
class HttpReader {
 public:
  /// Gets a piece of the body. The bytes live until the call returns.
  using OnBody = std::function<void(std::string_view bytes)>;

  /// False when this is no answer in HTTP/1.x, or one with a head over 64 KiB; problem() then says why. Bytes after the end of
  /// the answer are a problem, too: nothing was asked that they could answer.
  [[nodiscard]] bool feed(std::string_view bytes, const OnBody& on_body);

  /// The server has closed the connection. True when the answer is complete with that.
  [[nodiscard]] bool end_of_connection();

  /// 0 until the head has come.
  int status() const { return state_ == State::kHead ? 0 : status_; }
  bool is_complete() const { return state_ == State::kComplete; }
  /// Whether the connection may carry another request after a complete answer.
  bool keeps_connection() const { return keeps_connection_; }
  const std::string& problem() const { return problem_; }

 private:
  enum class State { kHead, kLength, kUntilClose, kChunkSize, kChunkData, kChunkEnd, kTrailers, kComplete, kBroken };

  std::string_view read_lines(std::string_view bytes);
  std::string_view read_body(std::string_view bytes, const OnBody& on_body);
  void end_line();
  void read_status_line();
  void read_header();
  void end_head();
  void read_chunk_size();
  void fail(const std::string& problem);

  State state_ = State::kHead;
  std::string line_;
  size_t head_bytes_ = 0;  // of head or trailers
  bool has_status_line_ = false;
  int status_ = 0;
  bool is_chunked_ = false;
  bool has_length_ = false;
  bool keeps_connection_ = true;
  uint64_t num_left_ = 0;  // bytes of the body or of its current chunk
  std::string problem_;
};

}  // namespace spyhop
