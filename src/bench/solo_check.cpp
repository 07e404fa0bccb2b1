#include "bench/solo_check.h"

#include <algorithm>
#include <utility>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxExamples = 5;
constexpr size_t kExcerptBytes = 40;

std::string excerpt(const std::string& text, size_t position) {
  return in_quotes(std::string_view(text).substr(std::min(position, text.size())), kExcerptBytes);
}

}  // namespace

SoloCheck::SoloCheck(ChatClient& client, const Workload& workload, const Hooks& hooks) {
  for (size_t i = 0; i < workload.size() && !hooks.should_stop(); ++i) {
    StreamedAnswer answer = client.ask(workload[i], hooks.should_stop);
    if (answer.fault && answer.fault->kind == "cancelled") return;
    if (answer.fault) {
      throw Error(ErrorCode::kUnavailable, "prompt " + std::to_string(i) + ", sent alone, has no answer to compare with, " +
                                               answer.fault->kind + ": " + answer.fault->message);
    }
    const size_t num_tokens = answer.num_output_tokens();
    expected_.push_back({std::move(answer.text), std::move(answer.finish_reason), num_tokens});
    hooks.on_progress(i + 1);
  }
}

void SoloCheck::compare(size_t prompt, const StreamedAnswer& answer) {
  if (answer.fault || prompt >= expected_.size()) return;
  ++num_compared_;
  const Expected& expected = expected_[prompt];
  const bool has_same_length = answer.num_output_tokens() == expected.num_tokens;
  if (answer.text == expected.text && answer.finish_reason == expected.finish_reason && has_same_length) return;
  ++num_mismatches_;
  if (examples_.size() >= kMaxExamples) return;
  const auto difference = std::mismatch(answer.text.begin(), answer.text.end(), expected.text.begin(), expected.text.end());
  const auto position = static_cast<size_t>(difference.first - answer.text.begin());
  examples_.push_back("prompt " + std::to_string(prompt) + ": from byte " + std::to_string(position) + " on " +
                      excerpt(answer.text, position) + ", alone " + excerpt(expected.text, position) + "; " +
                      std::to_string(answer.num_output_tokens()) + " tokens, alone " + std::to_string(expected.num_tokens));
}

}  // namespace spyhop
