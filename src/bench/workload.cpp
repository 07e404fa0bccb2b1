#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bench/random_source.h"
#include "common/file.h"
#include "common/json_fields.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxWorkloadBytes = size_t{2} << 30;
constexpr size_t kMaxFileBytes = size_t{1} << 30;
constexpr size_t kBytesPerWord = 5;
constexpr uint64_t kLengthStream = uint64_t{1} << 32;  // apart from the streams of texts, which are small numbers

constexpr std::string_view kWords[] = {
    "time", "year", "work", "home", "life", "part", "hand", "case", "week", "fact", "side", "kind", "head", "word", "book",
    "city", "name", "team", "body", "room", "area", "idea", "line", "game", "back", "face", "door", "road", "form", "land",
    "wall", "mind", "food", "rest", "hour", "wife", "care", "loss", "plan", "deal", "view", "role", "rate", "cost", "type",
    "term", "bank", "test", "list", "page", "file", "data", "code", "user", "text", "size", "site", "post", "link", "mail",
    "call", "news", "show", "song", "film", "play", "star", "king", "lord", "lady", "boat", "ship", "port", "lake", "hill",
    "rock", "tree", "leaf", "fish", "bird", "wolf", "bear", "lion", "deer", "snow", "rain", "wind", "fire", "cold", "heat",
    "iron", "gold", "blue", "gray", "dark", "wide", "deep", "long", "high", "slow", "fast", "hard", "soft", "cool", "warm",
    "rich", "poor", "safe", "free", "full", "open", "real", "true", "main", "last", "next", "past", "west", "east", "both",
    "each", "such", "much", "many", "more", "most", "some", "none", "over", "into", "from", "with", "when", "then", "than",
    "that", "this", "what", "also", "just", "only", "even", "very", "well", "here", "once", "away", "down", "left",
};

/// The bodies of a workload, within the limit on their sum.
class WorkloadBuilder {
 public:
  explicit WorkloadBuilder(const WorkloadOptions& options) : options_(options) {}

  /// Before a prompt of so many bytes is made.
  void reserve(size_t num_bytes) const {
    if (num_bytes > kMaxWorkloadBytes - std::min(num_bytes_, kMaxWorkloadBytes)) {
      throw Error(ErrorCode::kInvalidRequest,
                  "the requests of a run would be larger than 2 GiB; send fewer or shorter prompts, or smaller images");
    }
  }

  void add(json prompt, size_t max_tokens) {
    requests_.push_back(make_body(options_.request, std::move(prompt), max_tokens));
    num_bytes_ += requests_.back()->size();
    reserve(0);
  }

  Workload take() { return std::move(requests_); }

 private:
  const WorkloadOptions& options_;
  Workload requests_;
  size_t num_bytes_ = 0;
};

/// The images of one request as URLs; those drawn differ by what `random` gives.
class ImageChooser {
 public:
  explicit ImageChooser(const ImageOptions& options) : options_(options) {}

  std::vector<std::string> next(RandomSource& random) {
    std::vector<std::string> urls;
    for (size_t i = 0; i < options_.num_images; ++i) {
      if (options_.urls.empty()) {
        urls.push_back(image_data_url(make_test_image(options_.size, random.between(0, INT64_MAX)), "a drawn image"));
      } else {
        urls.push_back(options_.urls[num_taken_++ % options_.urls.size()]);
      }
    }
    return urls;
  }

 private:
  const ImageOptions& options_;
  size_t num_taken_ = 0;
};

json make_prompt(const RequestOptions& options, const std::string& text, const std::vector<std::string>& image_urls) {
  if (options.is_chat) return json::array({user_message(text, image_urls)});
  if (!image_urls.empty()) throw Error(ErrorCode::kInvalidRequest, "text completions take no images", "--num-images");
  return text;
}

/// Evenly distributed over `length` -/+ its share `ratio`, at least 1.
size_t draw_length(RandomSource& random, size_t length, double ratio) {
  const auto middle = static_cast<double>(length);
  const auto low = static_cast<uint64_t>(std::max(1.0, std::floor(middle * (1 - ratio))));
  const auto high = static_cast<uint64_t>(std::max(1.0, std::ceil(middle * (1 + ratio))));
  return random.between(low, high);
}

size_t num_words(double num_tokens, const WordCost& cost) {
  return static_cast<size_t>(std::max(1.0, std::round(num_tokens / cost.tokens_per_word)));
}

/// One line of a file of prompts.
struct FilePrompt {
  json messages;  // or null
  std::string text;
  size_t max_tokens = 0;
};

FilePrompt read_line(std::string_view line, const std::string& place, size_t default_max_tokens) {
  constexpr int kMaxTokens = 1 << 24;
  const json entry = parse_json(line, place, ErrorCode::kInvalidRequest);
  const auto refuse = [&](const std::string& what) { throw Error(ErrorCode::kInvalidRequest, place + ": " + what); };
  if (!entry.is_object()) refuse(describe_json(entry) + "; allowed: a JSON object with \"prompt\" or \"messages\"");
  FilePrompt prompt;
  prompt.max_tokens = default_max_tokens;
  if (entry.contains("messages")) {
    if (!entry["messages"].is_array()) refuse("messages = " + describe_json(entry["messages"]) + "; allowed: an array");
    prompt.messages = entry["messages"];
  } else if (entry.contains("prompt")) {
    if (!entry["prompt"].is_string()) refuse("prompt = " + describe_json(entry["prompt"]) + "; allowed: a string");
    prompt.text = entry["prompt"].get<std::string>();
  } else {
    refuse("neither \"prompt\" nor \"messages\"");
  }
  if (entry.contains("max_tokens")) {
    const json& value = entry["max_tokens"];
    const bool is_allowed = value.is_number_integer() && value >= 1 && value <= kMaxTokens;
    if (!is_allowed) refuse("max_tokens = " + describe_json(value) + "; allowed: 1 to " + std::to_string(kMaxTokens));
    prompt.max_tokens = value.get<size_t>();
  }
  return prompt;
}

std::vector<FilePrompt> read_prompts(const std::string& path, size_t default_max_tokens) {
  const std::string text = read_text_file(path, kMaxFileBytes, ErrorCode::kInvalidRequest);
  std::vector<FilePrompt> prompts;
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    prompts.push_back(read_line(line, path + ", line " + std::to_string(number), default_max_tokens));
  }
  if (prompts.empty()) throw Error(ErrorCode::kInvalidRequest, path + " has no prompt in it", "--dataset-path");
  return prompts;
}

}  // namespace

std::string random_words(RandomSource& random, size_t count) {
  std::string text;
  text.reserve(count * kBytesPerWord);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    text += kWords[random.below(std::size(kWords))];
  }
  return text;
}

Workload make_random_workload(const WorkloadOptions& options, const WordCost& cost, uint64_t stream) {
  RandomSource lengths(options.seed, kLengthStream), contents(options.seed, stream);
  WorkloadBuilder builder(options);
  ImageChooser images(options.images);
  const size_t prefix_words =
      options.text.prefix_tokens > 0 ? num_words(static_cast<double>(options.text.prefix_tokens), cost) : 0;
  builder.reserve(prefix_words * kBytesPerWord);
  std::string prefix = random_words(contents, prefix_words);
  if (!prefix.empty()) prefix += ' ';
  for (size_t i = 0; i < options.num_prompts; ++i) {
    const auto input_tokens = static_cast<double>(draw_length(lengths, options.text.input_tokens, options.text.range_ratio));
    const size_t max_tokens = draw_length(lengths, options.text.output_tokens, options.text.range_ratio);
    const size_t count = num_words(input_tokens - cost.overhead_tokens, cost);
    builder.reserve(prefix.size() + count * kBytesPerWord);
    const std::string text = prefix + random_words(contents, count);
    builder.add(make_prompt(options.request, text, images.next(contents)), max_tokens);
  }
  return builder.take();
}

Workload load_workload(const std::string& path, const WorkloadOptions& options) {
  const std::vector<FilePrompt> prompts = read_prompts(path, options.text.output_tokens);
  const size_t num_prompts = options.num_prompts > 0 ? options.num_prompts : prompts.size();
  RandomSource contents(options.seed, 0);
  WorkloadBuilder builder(options);
  ImageChooser images(options.images);
  for (size_t i = 0; i < num_prompts; ++i) {
    const FilePrompt& prompt = prompts[i % prompts.size()];
    if (!prompt.messages.is_null() && !options.request.is_chat) {
      throw Error(ErrorCode::kInvalidRequest, path + ": \"messages\" can only be sent to the chat route", "--dataset-path");
    }
    builder.add(prompt.messages.is_null() ? make_prompt(options.request, prompt.text, images.next(contents)) : prompt.messages,
                prompt.max_tokens);
  }
  return builder.take();
}

}  // namespace spyhop
