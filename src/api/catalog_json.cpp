#include "api/catalog_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/object_reader.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json spec_object(const CatalogVariant& variant) {
  Json sources = Json::object();
  for (const CatalogSource& source : variant.sources) {
    sources[source.hub] = {{"quantizations", variant.quantizations}, {"model_id", source.model_id}};
    if (!source.url.empty()) sources[source.hub]["url"] = source.url;
    if (!source.revision.empty()) sources[source.hub]["model_revision"] = source.revision;
  }
  return {{"model_format", variant.format},
          {"model_size_in_billions", variant.size_in_billions},
          {"activated_size_in_billions", variant.activated_size.empty() ? Json() : Json(variant.activated_size)},
          {"quantizations", variant.quantizations},
          {"model_engines", variant.engines},
          {"model_src", std::move(sources)},
          {"cache_status", variant.is_cached}};
}

Json entry_object(const CatalogModel& model) {
  Json specs = Json::array();
  for (const CatalogVariant& variant : model.variants) specs.push_back(spec_object(variant));
  return {{"version", 2},
          {"context_length", model.context_length},
          {"model_name", model.name},
          {"model_lang", model.languages},
          {"model_ability", model.abilities},
          {"model_description", model.description},
          {"model_specs", std::move(specs)},
          {"chat_template", ""},
          {"stop_token_ids", model.stop_token_ids},
          {"stop", model.stop},
          {"is_builtin", model.is_builtin}};
}

}  // namespace

std::string registrations_json(const std::vector<CatalogModel>& models, bool is_detailed) {
  Json list = Json::array();
  for (const CatalogModel& model : models) {
    list.push_back(is_detailed ? entry_object(model) : Json{{"model_name", model.name}, {"is_builtin", model.is_builtin}});
  }
  return to_text(list);
}

std::string registration_json(const CatalogModel& model) {
  return to_text(entry_object(model));
}

std::string parse_registration(const std::string& body) {
  nlohmann::json object = parse_request_json(body);
  if (!object.is_object()) throw Error(ErrorCode::kInvalidRequest, "the body must be a JSON object");
  const std::optional<std::string> model = ObjectReader(object, "").string("model");
  if (!model) throw Error(ErrorCode::kInvalidRequest, "model is missing; allowed: the text of an entry, as JSON", "model");
  return *model;
}

std::string engines_json(const CatalogModel& model) {
  Json engines = Json::object();
  for (const CatalogVariant& variant : model.variants) {
    for (const std::string& engine : variant.engines) {
      engines[engine].push_back({{"model_name", model.name},
                                 {"model_format", variant.format},
                                 {"model_size_in_billions", variant.size_in_billions},
                                 {"quantizations", variant.quantizations}});
    }
  }
  return to_text(engines);
}

std::string cached_json(const std::vector<CachedCheckpoint>& cached, const std::string& address) {
  Json list = Json::array();
  for (const CachedCheckpoint& each : cached) {
    list.push_back({{"model_name", each.model_name},
                    {"model_size_in_billions", each.size_in_billions},
                    {"model_format", each.format},
                    {"quantization", "none"},
                    {"model_version", each.version()},
                    {"path", each.path},
                    {"real_path", each.path},
                    {"actor_ip_address", address},
                    {"model_hub", each.hub},
                    {"model_id", each.model_id},
                    {"revision", each.revision},
                    {"bytes", each.bytes},
                    {"state", each.is_whole ? "complete" : "partial"}});
  }
  return to_text({{"list", std::move(list)}});
}

std::string cached_paths_json(const std::string& version, const std::vector<std::string>& paths, const std::string& address) {
  return to_text({{"model_version", version}, {"worker_ip", address}, {"paths", paths}});
}

}  // namespace spyhop
