// `spyhop engine`: which engines, formats and quantizations a model allows.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/text_table.h"
#include "common/nearest_match.h"
#include "registry/registry.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct EngineFlags {
  std::string model_name;
  ModelChoice choice;
  bool prints_json = false;
};

void add_once(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& text : more) {
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }
}

/// The choice in the registry's own spelling. Throws Error for what no variant of the family has.
ModelChoice canonical_choice(const ModelFamily& family, const ModelChoice& given) {
  std::vector<std::string> formats;
  std::vector<std::string> quantizations;
  std::vector<std::string> engines;
  for (const ModelVariant& variant : family.variants) {
    add_once(formats, {variant.format});
    add_once(quantizations, variant.quantizations);
    add_once(engines, variant.engines);
  }
  const auto match = [&](const std::string& value, const std::vector<std::string>& allowed, const std::string& what) {
    return value.empty() ? "" : match_or_throw(value, allowed, what + " of " + family.name, what);
  };
  return {given.size.empty() ? "" : family.variant(given.size).name, match(given.format, formats, "format"),
          match(given.quantization, quantizations, "quantization"), match(given.engine, engines, "engine")};
}

/// The texts, or the one that is chosen if it is among them.
std::vector<std::string> chosen(const std::vector<std::string>& texts, const std::string& choice) {
  if (choice.empty()) return texts;
  const bool is_there = std::find(texts.begin(), texts.end(), choice) != texts.end();
  return is_there ? std::vector<std::string>{choice} : std::vector<std::string>{};
}

void run(const EngineFlags& flags) {
  const Registry registry = Registry::load();
  const ModelFamily& family = registry.family(flags.model_name);
  const ModelChoice choice = canonical_choice(family, flags.choice);
  ordered_json json = ordered_json::object();
  std::vector<std::vector<std::string>> rows;
  for (const ModelVariant& variant : family.variants) {
    if (!choice.size.empty() && variant.name != choice.size) continue;
    if (!choice.format.empty() && variant.format != choice.format) continue;
    const std::vector<std::string> quantizations = chosen(variant.quantizations, choice.quantization);
    if (quantizations.empty()) continue;
    for (const std::string& engine : chosen(variant.engines, choice.engine)) {
      json[engine].push_back({{"model_name", family.name},
                              {"model_format", variant.format},
                              {"model_size_in_billions", variant.size_in_billions},
                              {"quantizations", quantizations}});
      rows.push_back({family.name, engine, variant.format, std::to_string(variant.size_in_billions), joined(quantizations)});
    }
  }
  if (rows.empty()) {
    throw Error(ErrorCode::kInvalidRequest,
                "no variant of " + family.name + " has all that was asked for; see spyhop engine -n " + family.name);
  }
  print_result(flags.prints_json, json, text_table({"Name", "Engine", "Format", "Size (in billions)", "Quantization"}, rows));
}

}  // namespace

void add_engine_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("engine", "Tell which engines, formats and quantizations a model allows");
  auto flags = std::make_shared<EngineFlags>();
  command->add_option("-n,--model-name", flags->model_name, "A model that the program knows")->required();
  command->add_option("--model-engine", flags->choice.engine, "Only this engine; -en is the same");
  command->add_option("-f,--model-format", flags->choice.format, "Only this format");
  command->add_option("-s,--size-in-billions,--model-size-in-billions", flags->choice.size, "Only this size");
  command->add_option("-q,--quantization", flags->choice.quantization, "Only this quantization");
  command->add_flag("--json", flags->prints_json, "Print JSON");
  command->callback([flags] { run(*flags); });
}

}  // namespace spyhop
