#include "bench/word_cost.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "bench/random_source.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::array<size_t, 2> kNumWords = {16, 144};
constexpr uint64_t kStream = 0xC057;
constexpr double kLeastCost = 0.1;  // tokens per word: fewer are no count of tokens

}  // namespace

std::optional<WordCost> measure_word_cost(ChatClient& client, const WorkloadOptions& options,
                                          const std::function<bool()>& should_stop) {
  RandomSource random(options.seed, kStream);
  std::array<double, 2> num_tokens{};
  for (size_t i = 0; i < kNumWords.size(); ++i) {
    const std::string text = random_words(random, kNumWords[i]);
    nlohmann::json prompt = text;
    if (options.request.is_chat) prompt = nlohmann::json::array({user_message(text)});
    const StreamedAnswer answer = client.ask(make_body(options.request, std::move(prompt), 1), should_stop);
    if (answer.fault) {
      throw Error(ErrorCode::kUnavailable,
                  client.url() + " does not answer the first request, " + answer.fault->kind + ": " + answer.fault->message);
    }
    if (!answer.prompt_tokens) return std::nullopt;
    num_tokens[i] = *answer.prompt_tokens;
  }
  WordCost cost;
  cost.tokens_per_word = (num_tokens[1] - num_tokens[0]) / static_cast<double>(kNumWords[1] - kNumWords[0]);
  if (cost.tokens_per_word < kLeastCost) return std::nullopt;
  cost.overhead_tokens = std::max(0.0, num_tokens[0] - cost.tokens_per_word * static_cast<double>(kNumWords[0]));
  return cost;
}

}  // namespace spyhop
