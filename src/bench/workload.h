// What is sent in a benchmark.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/request_body.h"
#include "bench/test_image.h"

namespace spyhop {

class RandomSource;

/// Request bodies, in the order they are sent.
using Workload = std::vector<std::shared_ptr<const std::string>>;

/// How many tokens the server makes of a prompt of random words.
struct WordCost {
  double tokens_per_word = 1;
  double overhead_tokens = 0;  // what the chat template adds
};

struct RandomTextOptions {
  size_t input_tokens = 128;   // per prompt, with what the template adds; images and the prefix come on top
  size_t output_tokens = 128;  // asked for
  double range_ratio = 0;      // both lengths vary evenly by this share of themselves; 0 to below 1
  size_t prefix_tokens = 0;    // at the begin of every prompt, the same for all
};

struct ImageOptions {
  size_t num_images = 0;  // per request
  ImageSize size{384, 384};
  std::vector<std::string> urls;  // of given images, taken in turn; empty = a new image is drawn each time
};

struct WorkloadOptions {
  RequestOptions request;
  size_t num_prompts = 0;
  RandomTextOptions text;
  ImageOptions images;
  uint64_t seed = 0;
};

/// Text of `num_words` English words of four letters. They are a token each in the large vocabularies, and five bytes each with
/// their space where there is a token per byte, so that prompts of equally many words have nearly equally many tokens.
std::string random_words(RandomSource& random, size_t num_words);

/// Requests of random words. Equal options give equal requests. Another `stream` has the same lengths but other texts and
/// images, so that a server cannot answer it from what it keeps of the first.
/// Throws Error{kInvalidRequest} when all bodies together would be larger than 2 GiB.
Workload make_random_workload(const WorkloadOptions& options, const WordCost& cost, uint64_t stream);

/// Requests out of a file with a JSON object per line: "prompt", a string that options.images go with, or "messages", sent as
/// they are; and "max_tokens", without which options.text.output_tokens is asked for. options.num_prompts 0 = every line once;
/// when there are fewer lines, they are taken again from the first. Other members are ignored.
/// Throws Error{kInvalidRequest} naming the line.
Workload load_workload(const std::string& path, const WorkloadOptions& options);

}  // namespace spyhop
