#include "api/grounding.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace spyhop {
namespace {

constexpr std::string_view kRefBegin = "<|ref|>";
constexpr std::string_view kRefEnd = "<|/ref|>";
constexpr std::string_view kDetBegin = "<|det|>";
constexpr std::string_view kDetEnd = "<|/det|>";
constexpr double kLastPosition = 999;
constexpr size_t kNumSides = 4;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// The problem of four numbers, or nothing.
std::string problem_of(const std::array<double, kNumSides>& box) {
  for (const double side : box) {
    if (side < 0 || side > kLastPosition) return "a number is out of 0 to 999";
  }
  return box[0] > box[2] || box[1] > box[3] ? "the right or lower side comes first" : "";
}

/// What stands between the brackets of one box.
GroundedBox parse_box(std::string_view text) {
  GroundedBox box;
  std::array<double, kNumSides> numbers{};
  size_t count = 0;
  for (std::string_view rest = trimmed(text); !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::optional<double> number = parse_number(trimmed(rest.substr(0, comma)));
    if (!number) {
      box.problem = "something in it is not a number";
      return box;
    }
    if (count < kNumSides) numbers[count] = *number;
    ++count;
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (count != kNumSides) {
    box.problem = "it has " + std::to_string(count) + " numbers, not 4";
    return box;
  }
  box.position = numbers;
  box.problem = problem_of(numbers);
  return box;
}

class AnswerParser {
 public:
  explicit AnswerParser(std::string_view text) : text_(text) {}

  std::vector<GroundedBox> run() {
    while (boxes_.size() < kMaxGroundedBoxes && next_tag()) {
    }
    add_label_without_boxes();
    return std::move(boxes_);
  }

 private:
  bool next_tag() {
    const size_t ref = text_.find(kRefBegin, at_);
    const size_t det = text_.find(kDetBegin, at_);
    if (ref == std::string_view::npos && det == std::string_view::npos) return false;
    if (ref < det) {
      add_label_without_boxes();
      read_label(ref + kRefBegin.size());
    } else {
      read_list(det + kDetBegin.size());
    }
    return true;
  }

  /// The text from `begin` to a closing tag, or to the next opening one or the end where that is missing.
  std::pair<std::string_view, bool> read_until(std::string_view closing, size_t begin) {
    const size_t end = text_.find(closing, begin);
    const size_t other = std::min(text_.find(kRefBegin, begin), text_.find(kDetBegin, begin));
    const bool is_closed = end < other;  // npos is the largest
    const size_t stop = std::min({is_closed ? end : other, text_.size()});
    at_ = is_closed ? end + closing.size() : stop;
    return {text_.substr(begin, stop - begin), is_closed};
  }

  void read_label(size_t begin) {
    const auto [label, is_closed] = read_until(kRefEnd, begin);
    label_ = std::string(label);
    label_has_boxes_ = false;
    if (!is_closed) label_problem_ = "its label is not closed";
  }

  void add_label_without_boxes() {
    if (label_ && !label_has_boxes_) {
      add({std::nullopt, std::nullopt, label_problem_.empty() ? "no boxes follow the label" : label_problem_});
    }
    label_.reset();
    label_problem_.clear();
  }

  void read_list(size_t begin) {
    const auto [whole, is_closed] = read_until(kDetEnd, begin);
    label_has_boxes_ = true;
    std::string_view list = trimmed(whole);
    const bool is_nested = list.size() >= 2 && list.front() == '[' && trimmed(list.substr(1)).substr(0, 1) == "[";
    if (is_nested) list.remove_prefix(1);
    size_t num_boxes = 0;
    for (size_t open = list.find('['); open != std::string_view::npos; open = list.find('[', open + 1), ++num_boxes) {
      const size_t end = std::min(list.find('[', open + 1), list.find(']', open + 1));
      const bool is_whole = end != std::string_view::npos && list[end] == ']';
      GroundedBox box = parse_box(list.substr(open + 1, end == std::string_view::npos ? end : end - open - 1));
      if (!is_whole) box = {std::nullopt, std::nullopt, "the list breaks off in it"};
      if (box.valid() && !is_nested) box.problem = "it is not in a list of boxes";
      add(std::move(box));
    }
    const bool is_ended = is_closed && (!is_nested || trimmed(list.substr(list.find_last_of(']') + 1)).empty());
    if (num_boxes == 0) add({std::nullopt, std::nullopt, is_ended ? "there are no boxes in the list" : "the list breaks off"});
  }

  void add(GroundedBox box) {
    box.label = label_;
    if (box.valid()) box.problem = label_problem_;
    if (boxes_.size() < kMaxGroundedBoxes) boxes_.push_back(std::move(box));
  }

  const std::string_view text_;
  size_t at_ = 0;
  std::optional<std::string> label_;
  std::string label_problem_;
  bool label_has_boxes_ = false;
  std::vector<GroundedBox> boxes_;
};

}  // namespace

std::vector<GroundedBox> parse_grounding(std::string_view text) {
  return AnswerParser(text).run();
}

int grounded_pixel(double position, int pixels) {
  constexpr double kMost = 1e9;
  return static_cast<int>(std::min(std::max(position / kLastPosition * pixels, -kMost), kMost));
}

std::array<int, 4> pixels_of(const GroundedBox& box, const ImageUse& image) {
  std::array<int, 4> pixels{};
  for (size_t i = 0; i < kNumSides; ++i) {
    pixels[i] = grounded_pixel(box.position.value()[i], i % 2 == 0 ? image.width : image.height);
  }
  return pixels;
}

std::optional<AnswerBoxes> boxes_of(std::string_view answer, bool wants_boxes, const std::vector<ImageUse>& images) {
  if (images.empty()) return std::nullopt;
  const bool has_some = answer.find(kRefBegin) != std::string_view::npos || answer.find(kDetBegin) != std::string_view::npos;
  if (!wants_boxes && !has_some) return std::nullopt;
  return AnswerBoxes{parse_grounding(answer), images};
}

nlohmann::ordered_json grounding_json(const AnswerBoxes& answer) {
  const std::vector<ImageUse>& images = answer.images;
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const GroundedBox& box : answer.boxes) {
    Json norm;
    Json pixels;
    if (box.position) {
      norm = Json::array();
      for (const double side : *box.position) {
        norm.push_back(side == std::floor(side) && std::abs(side) < 1e9 ? Json(static_cast<int64_t>(side)) : Json(side));
      }
    }
    if (box.position && !images.empty()) {
      pixels = pixels_of(box, images.back());
    }
    list.push_back({{"label", box.label ? Json(*box.label) : Json()},
                    {"image_index", images.empty() ? Json() : Json(images.size() - 1)},
                    {"box_norm", std::move(norm)},
                    {"box_px", std::move(pixels)},
                    {"valid", box.valid()}});
    if (!box.valid()) list.back()["error"] = box.problem;
  }
  return list;
}

}  // namespace spyhop
