#include "prompt/detokenizer.h"

#include "common/utf8.h"

namespace spyhop {

std::string Utf8Stream::push(std::string_view bytes) {
  pending_.append(bytes);
  std::string text;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = next_utf8(rest);
    if (step.kind == Utf8Step::Kind::kIncomplete) break;
    const auto length = static_cast<size_t>(step.length);
    text += step.kind == Utf8Step::Kind::kCharacter ? rest.substr(0, length) : kReplacementCharacter;
    rest.remove_prefix(length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return text;
}

std::string Utf8Stream::finish() {
  const bool unfinished = !pending_.empty();
  pending_.clear();
  return unfinished ? std::string(kReplacementCharacter) : std::string();
}

std::string Detokenizer::push(int32_t id) {
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  std::string_view bytes = tokenizer_.token_bytes(id);
  if (is_at_start_ && !bytes.empty()) {
    is_at_start_ = false;
    if (tokenizer_.drops_leading_space() && bytes[0] == ' ') bytes.remove_prefix(1);
  }
  return utf8_.push(bytes);
}

}  // namespace spyhop
