// The prompt's part of a case: token ids, image layout, pixels and decoded texts against the record. No model needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/verify_golden_report.h"
#include "cli/verify_golden_set.h"
#include "prompt/image.h"
#include "prompt/tokenizer.h"
#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

struct GoldenPromptContext {
  const GoldenSet& set;
  const Tokenizer& tokenizer;
  const ProcessorConfig& processor;
  ImageLimits limits;
};

/// An image as the model takes it.
struct GoldenPromptImage {
  TileGrid grid;
  int first_token = 0;        // index in the prompt of its first image token
  std::vector<float> pixels;  // [1 + cols * rows, 3, S, S]; empty where the image is not in the set
};

struct GoldenPrompt {
  std::vector<int32_t> token_ids;
  std::vector<GoldenPromptImage> images;  // those that the prompt has a place for
  std::string missing_image;              // the first that is not in the set; empty: all are
};

/// Builds the case's prompt from its conversation and images and adds the checks of ids, layout, pixels and texts.
GoldenPrompt check_prompt(const GoldenCase& golden, const GoldenPromptContext& context, CaseReport& report);

}  // namespace spyhop
