#include "bench/http_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "common/problem_list.h"

namespace spyhop {
namespace {

constexpr size_t kMaxHeadBytes = size_t{64} << 10;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Nothing unless all of `text` is one number.
std::optional<uint64_t> parse_number(std::string_view text, int base) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

bool HttpReader::feed(std::string_view bytes, const OnBody& on_body) {
  while (!bytes.empty() && state_ != State::kBroken) {
    switch (state_) {
      case State::kLength:
      case State::kUntilClose:
      case State::kChunkData:
        bytes = read_body(bytes, on_body);
        break;
      case State::kComplete:
        fail("bytes after the end of the answer");
        break;
      default:
        bytes = read_lines(bytes);
    }
  }
  return state_ != State::kBroken;
}

bool HttpReader::end_of_connection() {
  if (state_ == State::kUntilClose) state_ = State::kComplete;
  keeps_connection_ = false;
  return state_ == State::kComplete;
}

std::string_view HttpReader::read_lines(std::string_view bytes) {
  const size_t end = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, end);
  head_bytes_ += piece.size() + 1;
  if (head_bytes_ > kMaxHeadBytes) {
    fail("a head of more than " + std::to_string(kMaxHeadBytes) + " bytes");
    return {};
  }
  line_ += piece;
  if (end == std::string_view::npos) return {};
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  end_line();
  line_.clear();
  return bytes.substr(end + 1);
}

void HttpReader::end_line() {
  switch (state_) {
    case State::kHead:
      if (!has_status_line_) return read_status_line();
      return line_.empty() ? end_head() : read_header();
    case State::kChunkSize:
      return read_chunk_size();
    case State::kChunkEnd:
      if (!line_.empty()) return fail("a chunk that is longer than its size");
      state_ = State::kChunkSize;
      head_bytes_ = 0;
      return;
    default:  // trailers
      if (line_.empty()) state_ = State::kComplete;
  }
}

std::string_view HttpReader::read_body(std::string_view bytes, const OnBody& on_body) {
  const size_t size = state_ == State::kUntilClose
                          ? bytes.size()
                          : static_cast<size_t>(std::min<uint64_t>(num_left_, static_cast<uint64_t>(bytes.size())));
  on_body(bytes.substr(0, size));
  if (state_ == State::kUntilClose) return {};
  num_left_ -= size;
  if (num_left_ == 0) state_ = state_ == State::kLength ? State::kComplete : State::kChunkEnd;
  return bytes.substr(size);
}

void HttpReader::read_status_line() {
  const std::string_view line = line_;
  const bool is_http = line.size() >= 12 && line.substr(0, 7) == "HTTP/1." && line[8] == ' ';
  const std::optional<uint64_t> status = is_http ? parse_number(line.substr(9, 3), 10) : std::nullopt;
  if (!status || *status < 100) return fail("no HTTP/1.1 answer but " + in_quotes(line));
  has_status_line_ = true;
  status_ = static_cast<int>(*status);
  keeps_connection_ = line[7] != '0';
}

void HttpReader::read_header() {
  const std::string_view line = line_;
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail("a header without a colon: " + in_quotes(line));
  const std::string name = lower_case(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "transfer-encoding") {
    if (lower_case(value) != "chunked") return fail("transfer encoding " + in_quotes(value) + "; understood: chunked");
    is_chunked_ = true;
  } else if (name == "content-length") {
    const std::optional<uint64_t> length = parse_number(value, 10);
    if (!length) return fail("content length " + in_quotes(value));
    num_left_ = *length;
    has_length_ = true;
  } else if (name == "content-encoding") {
    if (lower_case(value) != "identity") return fail("content encoding " + in_quotes(value) + ", which was not asked for");
  } else if (name == "connection") {
    const std::string options = lower_case(value);
    if (options.find("close") != std::string::npos) keeps_connection_ = false;
    if (options.find("keep-alive") != std::string::npos) keeps_connection_ = true;
  }
}

void HttpReader::end_head() {
  has_status_line_ = false;
  head_bytes_ = 0;
  if (status_ < 200) return;
  if (status_ == 204 || status_ == 304) {
    state_ = State::kComplete;
  } else if (is_chunked_) {
    state_ = State::kChunkSize;
  } else if (has_length_) {
    state_ = num_left_ == 0 ? State::kComplete : State::kLength;
  } else {
    state_ = State::kUntilClose;
    keeps_connection_ = false;
  }
}

void HttpReader::read_chunk_size() {
  const std::string_view digits = trim(std::string_view(line_).substr(0, line_.find(';')));
  const std::optional<uint64_t> size = parse_number(digits, 16);
  if (!size) return fail("chunk size " + in_quotes(digits));
  num_left_ = *size;
  head_bytes_ = 0;
  state_ = num_left_ == 0 ? State::kTrailers : State::kChunkData;
}

void HttpReader::fail(const std::string& problem) {
  problem_ = problem;
  state_ = State::kBroken;
}

}  // namespace spyhop
