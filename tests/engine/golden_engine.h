// Whole engines over the miniature checkpoints, requests for them and their answers to the last bit.
#pragma once

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/encoding.h"
#include "common/file.h"
#include "spyhop/engine.h"

namespace spyhop::testing {

/// A miniature checkpoint of the golden set.
struct Checkpoint {
  const char* family;
  ComputeType compute;
  Quantization quantization = Quantization::kNone;
};

inline void PrintTo(const Checkpoint& checkpoint, std::ostream* out) {
  *out << checkpoint.family;
}

inline std::string name_of(const Checkpoint& checkpoint) {
  const std::string name =
      std::string(checkpoint.family).substr(5) + (checkpoint.compute == ComputeType::kF32 ? "_f32" : "_bf16");
  if (checkpoint.quantization == Quantization::kNone) return name;
  return name + (checkpoint.quantization == Quantization::kInt8 ? "_int8" : "_int4");
}

constexpr Checkpoint kCheckpoints[] = {
#ifdef __SANITIZE_THREAD__  // ten times slower, and about threads, not about numbers
    {"mini-tiny", ComputeType::kF32},
    {"mini-small", ComputeType::kBf16},
#else
    {"mini-tiny", ComputeType::kF32},  {"mini-small", ComputeType::kF32},  {"mini-base", ComputeType::kF32},
    {"mini-tiny", ComputeType::kBf16}, {"mini-small", ComputeType::kBf16}, {"mini-base", ComputeType::kBf16},
#endif
};

constexpr Checkpoint kQuantizedCheckpoints[] = {
    {"mini-tiny", ComputeType::kBf16, Quantization::kInt4},
#ifndef __SANITIZE_THREAD__
    {"mini-small", ComputeType::kBf16, Quantization::kInt8},
    {"mini-base", ComputeType::kF32, Quantization::kInt8},
#endif
};

inline EngineConfig config_of(const Checkpoint& checkpoint) {
  EngineConfig config;
  config.model_path = std::string(SPYHOP_TEST_DATA) + "/" + checkpoint.family + "/checkpoint";
  config.runtime.compute = checkpoint.compute;
  config.runtime.quantization = checkpoint.quantization;
  config.runtime.num_threads = 2;
  config.max_context = 1024;
  config.max_num_seqs = 32;
  return config;
}

inline ImagePart image(const std::string& name) {
  const std::string file = std::string(SPYHOP_TEST_DATA) + "/images/" + name;
  return {"data:image/png;base64," + base64_encode(read_text_file(file, size_t{1} << 20)), ImageDetail::kAuto};
}

/// A text of about `num_words` words, another one for each seed.
inline std::string words(int num_words, unsigned seed) {
  static const char* const kWords[] = {"whale", "sea", "looks", "around", "blue", "7", "the", "of", "ice\n", "under"};
  std::minstd_rand random(seed);
  std::string text;
  for (int i = 0; i < num_words; ++i) text += std::string(kWords[random() % 10]) + " ";
  return text;
}

/// Greedy, with log-probabilities, to the full length.
inline ChatRequest ask(std::vector<ContentPart> content, int max_tokens) {
  ChatRequest request;
  request.messages = {{Role::kUser, std::move(content)}};
  request.max_tokens = max_tokens;
  request.ignore_eos = true;
  request.sampling.logprobs = true;
  request.sampling.top_logprobs = 3;
  request.sampling.temperature = 0;
  return request;
}

inline ChatRequest sampled(ChatRequest request, uint64_t seed) {
  request.sampling.temperature = 1.0;
  request.sampling.seed = seed;
  return request;
}

inline void write(std::ostream& out, const std::string& token, double logprob) {
  char bits[64];
  std::snprintf(bits, sizeof bits, " %a|", logprob);
  out << token << bits;
}

/// What a stream brings, to the last bit.
struct Answer {
  std::vector<std::string> choices;  // text, reason of the end, tokens with their log-probabilities
  Usage usage;
};

/// Reads a stream to its end. A failure becomes the only choice.
inline Answer read(ResponseStream& stream) {
  std::map<int, std::ostringstream> texts;
  std::map<int, std::ostringstream> logprobs;
  for (;;) {
    const std::optional<ChatEvent> event = stream.next(std::chrono::seconds(60));
    if (!event) return {{"nothing more came"}, {}};
    if (const auto* delta = std::get_if<TextDelta>(&*event)) {
      texts[delta->choice] << delta->text;
      for (const TokenLogprob& token : delta->logprobs) {
        write(logprobs[delta->choice], token.token, token.logprob);
        for (const TopLogprob& top : token.top) write(logprobs[delta->choice], top.token, top.logprob);
      }
    } else if (const auto* finish = std::get_if<ChoiceFinish>(&*event)) {
      texts[finish->choice] << (finish->reason == FinishReason::kStop ? "[stop]" : "[length]");
    } else if (const auto* error = std::get_if<StreamError>(&*event)) {
      return {{"error: " + error->message}, {}};
    } else if (const auto* end = std::get_if<StreamEnd>(&*event)) {
      Answer answer{{}, end->usage};
      for (const auto& [choice, text] : texts) answer.choices.push_back(text.str() + "\n" + logprobs[choice].str());
      return answer;
    }
  }
}

}  // namespace spyhop::testing
