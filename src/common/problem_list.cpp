#include "common/problem_list.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace spyhop {
namespace {

constexpr size_t kMaxKept = 100;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::string in_quotes(std::string_view text, size_t max_bytes) {
  using nlohmann::json;
  size_t end = text.size();
  if (end > max_bytes) {
    end = max_bytes;
    while (end > 0 && continues_character(text[end])) --end;
  }
  std::string shown = json(std::string(text.substr(0, end))).dump(-1, ' ', false, json::error_handler_t::replace);
  if (end < text.size()) shown += "... (" + std::to_string(text.size()) + " bytes)";
  return shown;
}

void ProblemList::add(std::string problem) {
  ++num_problems_;
  if (texts_.size() < kMaxKept) texts_.push_back(std::move(problem));
}

void ProblemList::add_all(const ProblemList& other) {
  for (const std::string& text : other.texts_) add(text);
  num_problems_ += other.num_problems_ - other.texts_.size();
}

void ProblemList::throw_if_any(ErrorCode code, const std::string& headline) const {
  if (empty()) return;
  if (num_problems_ == 1) throw Error(code, headline + ": " + texts_.front());
  std::string message = headline + ": " + std::to_string(num_problems_) + " problems";
  for (const std::string& text : texts_) message += "\n  " + text;
  if (num_problems_ > texts_.size()) message += "\n  ... and " + std::to_string(num_problems_ - texts_.size()) + " more";
  throw Error(code, message);
}

}  // namespace spyhop
