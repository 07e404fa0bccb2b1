#include "registry/model_family.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/json_fields.h"
#include "common/nearest_match.h"
#include "registry/bundled_checkpoint.h"
#include "registry/config_reader.h"
#include "registry/model_id.h"

namespace spyhop {
namespace {

using nlohmann::json;

const std::vector<std::string> kEngines{"libtorch", "transformers"};
const std::vector<std::string> kQuantizations{"none", "int8", "int4"};
const std::string kFileScheme = "file://";

bool is_bundled_name(const std::string& name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

/// Reads one document; what a user may leave out has a fallback.
class FamilyReader {
 public:
  FamilyReader(const std::string& file, EntryOrigin origin) : file_(file), is_shipped_(origin == EntryOrigin::kShipped) {}

  ModelFamily read(const json& document) {
    JsonFields fields(document, file_, "", problems_);
    ModelFamily family;
    family.is_builtin = is_shipped_;
    family.name = fields.text("model_name");
    if (fields.is_valid("model_name") && !is_model_name(family.name)) fields.report("model_name", kModelNameRule);
    family.context_length = fields.integer("context_length", {1, 1 << 20});
    family.languages = fields.texts("model_lang");
    family.abilities = fields.texts("model_ability");
    family.description = fields.text("model_description", unless_shipped(""));
    if (is_shipped_ || fields.has("stop")) family.stop = fields.texts("stop");
    family.stop_token_ids = read_stop_token_ids(fields);
    if (is_shipped_ || fields.has("generation_config")) family.generation = read_generation(fields);
    for (JsonFields& spec : fields.objects("model_specs")) family.variants.push_back(read_variant(spec));
    fields.report_unknown_keys();
    if (problems_.empty()) check_variants(family.variants);
    problems_.throw_if_any(ErrorCode::kModelLoad, "the description of a model cannot be used");
    return family;
  }

 private:
  std::optional<std::string> unless_shipped(std::string fallback) const {
    return is_shipped_ ? std::nullopt : std::optional<std::string>(std::move(fallback));
  }

  std::vector<int> read_stop_token_ids(JsonFields& fields) const {
    const std::string words = "an array of whole numbers from 0, not empty";
    const json* value = fields.find("stop_token_ids");
    std::vector<int> ids;
    if (value == nullptr) {
      if (is_shipped_) fields.report("stop_token_ids", words);
      return ids;
    }
    if (!value->is_array() || value->empty()) {
      fields.report("stop_token_ids", words);
      return ids;
    }
    for (const json& entry : *value) {
      const bool fits = entry.is_number_unsigned() && entry.get<uint64_t>() <= static_cast<uint64_t>(INT32_MAX);
      if (!fits) fields.report("stop_token_ids", words);
      ids.push_back(fits ? entry.get<int>() : 0);
    }
    return ids;
  }

  /// What it leaves out changes nothing.
  static SamplingDefaults read_generation(JsonFields& fields) {
    SamplingDefaults generation;
    JsonFields entry = fields.object("generation_config", /*required=*/true);
    generation.temperature = entry.number("temperature", {0, 2}, generation.temperature);
    generation.top_p = entry.number("top_p", {0, 1}, generation.top_p);
    if (entry.is_valid("top_p") && generation.top_p == 0) entry.report("top_p", "a number above 0, at most 1");
    generation.top_k = entry.integer("top_k", {0, 1 << 30}, generation.top_k);
    generation.min_p = entry.number("min_p", {0, 1}, generation.min_p);
    generation.repetition_penalty = entry.number("repetition_penalty", {0.01, 2}, generation.repetition_penalty);
    entry.report_unknown_keys();
    return generation;
  }

  std::vector<HubSource> read_sources(JsonFields fields) const {
    std::vector<HubSource> sources;
    for (const char* hub : {"huggingface", "modelscope"}) {
      if (!fields.has(hub)) continue;
      JsonFields entry = fields.object(hub, /*required=*/true);
      HubSource source{hub, entry.text("model_id"), entry.text("url", unless_shipped("")), ""};
      if (entry.is_valid("model_id") && !is_model_id(source.model_id)) entry.report("model_id", kModelIdRule);
      source.revision = entry.text("model_revision", "");
      if (!source.revision.empty() && !is_revision(source.revision)) entry.report("model_revision", kRevisionRule);
      entry.report_unknown_keys();
      sources.push_back(std::move(source));
    }
    fields.report_unknown_keys();
    return sources;
  }

  /// The folder that a model_uri means: of users any, of shipped entries one that comes with the program.
  std::string read_uri(JsonFields& fields) const {
    std::string uri = fields.text("model_uri");
    if (is_shipped_) {
      const bool is_bundled = uri.rfind(kBundledScheme, 0) == 0 && is_bundled_name(uri.substr(kBundledScheme.size()));
      if (is_bundled) return bundled_checkpoint(uri.substr(kBundledScheme.size()));
      if (fields.is_valid("model_uri")) fields.report("model_uri", "bundled:// and a name of lowercase letters and digits");
      return "";
    }
    if (uri.rfind(kFileScheme, 0) == 0) uri.erase(0, kFileScheme.size());
    if (fields.is_valid("model_uri") && (uri.empty() || uri[0] != '/')) {
      fields.report("model_uri", "an absolute path, or file:// and one");
    }
    return uri;
  }

  void read_place(JsonFields& fields, ModelVariant& variant) const {
    if (fields.has("model_uri")) {
      variant.path = read_uri(fields);
      if (fields.has("model_src")) fields.report("model_src", "model_uri or model_src, not both");
      static_cast<void>(fields.find("model_src"));
      return;
    }
    variant.sources = read_sources(fields.object("model_src", /*required=*/true));
    if (fields.has("model_src") && fields.is_valid("model_src") && variant.sources.empty()) {
      fields.report("model_src", "at least one of huggingface, modelscope");
    }
  }

  ModelVariant read_variant(JsonFields& fields) {
    ModelVariant variant;
    variant.format = fields.one_of("model_format", {"pytorch"});
    variant.size_in_billions = fields.integer("model_size_in_billions", {is_shipped_ ? 0 : 1, 10000});
    variant.name = fields.text("variant", unless_shipped(std::to_string(variant.size_in_billions) + "b"));
    variant.activated_size = fields.text("activated_size_in_billions", unless_shipped(""));
    variant.quantizations = is_shipped_ || fields.has("quantizations") ? fields.texts("quantizations") : kQuantizations;
    variant.engines = is_shipped_ || fields.has("model_engines") ? fields.texts("model_engines") : kEngines;
    for (const std::string& engine : variant.engines) {
      if (std::count(kEngines.begin(), kEngines.end(), engine) == 0)
        fields.report("model_engines", "\"libtorch\", \"transformers\"");
    }
    read_place(fields, variant);
    if (is_shipped_ || fields.has("config")) {
      const json no_processor = json::object();
      // The checkpoint's own file, so keys beyond those that matter here are not unknown.
      JsonFields config = fields.object("config", /*required=*/true);
      JsonFields processor(no_processor, file_, "", problems_);
      if (fields.is_valid("config")) variant.config = read_model_config(config, processor);
    }
    fields.report_unknown_keys();
    return variant;
  }

  void check_variants(const std::vector<ModelVariant>& all) {
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (all[i].name == all[j].name || all[i].size_in_billions == all[j].size_in_billions) {
          problems_.add(file_ + ": model_specs[" + std::to_string(i) + "] and [" + std::to_string(j) +
                        "] have the same variant or size; allowed: each once");
        }
      }
    }
  }

  const std::string file_;
  const bool is_shipped_;
  ProblemList problems_;
};

/// Throws unless `value` is empty or, but for its case, in `allowed`.
void check_choice(const std::string& value, const std::vector<std::string>& allowed, const std::string& what,
                  const std::string& param) {
  if (!value.empty()) match_or_throw(value, allowed, what, param);
}

}  // namespace

const ModelVariant& ModelFamily::variant(const std::string& size) const {
  std::string known;
  std::vector<std::string> spellings;
  for (const ModelVariant& candidate : variants) {
    const std::string billions = std::to_string(candidate.size_in_billions);
    if (size == billions || size == candidate.name) return candidate;
    known += (known.empty() ? "" : ", ") + billions + " (" + candidate.name + ")";
    spellings.insert(spellings.end(), {billions, candidate.name});
  }
  const std::string nearest = nearest_match(size, spellings);
  const std::string said = size.empty() ? " needs a size" : " has no size " + in_quotes(size);
  throw Error(ErrorCode::kInvalidRequest,
              "model " + name + said + "; allowed: " + known + (nearest.empty() ? "" : "; the nearest is " + nearest),
              "size_in_billions");
}

const ModelVariant& ModelFamily::choose(const ModelChoice& choice) const {
  const ModelVariant& chosen = choice.size.empty() && variants.size() == 1 ? variants.front() : variant(choice.size);
  const std::string of = " of " + name + " " + std::to_string(chosen.size_in_billions);
  check_choice(choice.format, {chosen.format}, "format" + of, "model_format");
  check_choice(choice.quantization, chosen.quantizations, "quantization" + of, "quantization");
  check_choice(choice.engine, chosen.engines, "engine" + of, "model_engine");
  return chosen;
}

ModelFamily parse_model_family(const std::string& text, const std::string& file, EntryOrigin origin) {
  return FamilyReader(file, origin).read(parse_json(text, file));
}

}  // namespace spyhop
