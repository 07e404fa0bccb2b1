// The tables and files of a golden set against the tokenizers, the template, the image pipeline and the sampler.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/verify_golden_report.h"
#include "cli/verify_golden_set.h"
#include "prompt/tokenizer.h"
#include "registry/model_config.h"
#include "spyhop/config.h"

namespace spyhop {

/// A family's checkpoint but for its weights.
struct GoldenFamilyParts {
  std::string name;
  ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
};

struct GoldenTablesContext {
  const GoldenSet& set;
  const std::vector<GoldenFamilyParts>& families;          // those asked for
  const std::map<std::string, std::string>& vocabularies;  // table name, "tokenizer_full_v3" -> folder of that tokenizer
  ImageLimits limits;
};

/// Sizes and digests of the files, and the manifest's dimensions against the family's configuration and tokenizer.
Check check_checkpoint_files(const GoldenSet& set, const GoldenFamily& family, const GoldenFamilyParts& parts);

/// Sizes and digests of the images that are in the set.
Check check_image_files(const GoldenSet& set);

/// All tables, those of families that were not asked for excepted. An exception in a table is its failure.
std::vector<Check> check_tables(const GoldenTablesContext& context);

}  // namespace spyhop
