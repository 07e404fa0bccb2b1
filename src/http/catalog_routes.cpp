#include "http/catalog_routes.h"

#include "api/catalog_json.h"
#include "common/problem_list.h"
#include "http/answers.h"

namespace spyhop {
namespace {

void require_llm(const std::string& type) {
  if (type == "LLM") return;
  throw Error(ErrorCode::kInvalidRequest, "the model type is " + in_quotes(type) + "; allowed: LLM", "model_type");
}

bool is_true(const std::string& text) {
  return text == "true" || text == "True" || text == "1";
}

std::string required_parameter(const RouteCall& call, const char* name) {
  if (call.request.has_param(name)) return call.request.get_param_value(name);
  throw Error(ErrorCode::kInvalidRequest, std::string(name) + " is missing from the query", name);
}

Routes registration_routes(const ModelCatalog& catalog) {
  const std::string list = "/v1/model_registrations/{model_type}";
  const std::string one = list + "/{model_name}";
  return {{"GET", one,
           [&catalog](RouteCall& call) {
             require_llm(call.path_values[0]);
             answer_json(call.response, registration_json(catalog.model(call.path_values[1])));
           }},
          {"GET", list,
           [&catalog](RouteCall& call) {
             require_llm(call.path_values[0]);
             const bool is_detailed = is_true(call.request.get_param_value("detailed"));
             answer_json(call.response, registrations_json(catalog.models(), is_detailed));
           }},
          {"POST", list,
           [&catalog](RouteCall& call) {
             require_llm(call.path_values[0]);
             catalog.add(parse_registration(call.body));
             answer_json(call.response, "null");
           },
           /*is_probe=*/false, /*is_admin=*/true},
          {"DELETE", one,
           [&catalog](RouteCall& call) {
             require_llm(call.path_values[0]);
             catalog.remove(call.path_values[1]);
             answer_json(call.response, "null");
           },
           /*is_probe=*/false, /*is_admin=*/true}};
}

Routes cache_routes(const ModelCatalog& catalog) {
  return {{"GET", "/v1/cache/models",
           [&catalog](RouteCall& call) {
             const auto cached = catalog.cached(call.request.get_param_value("model_name"));
             answer_json(call.response, cached_json(cached, server_address(call)));
           }},
          {"GET", "/v1/cache/models/files",
           [&catalog](RouteCall& call) {
             const std::string version = required_parameter(call, "model_version");
             answer_json(call.response, cached_paths_json(version, catalog.cached_paths(version), server_address(call)));
           }},
          {"DELETE", "/v1/cache/models",
           [&catalog](RouteCall& call) {
             catalog.remove_cached(required_parameter(call, "model_version"));
             answer_json(call.response, R"({"result":true})");
           },
           /*is_probe=*/false, /*is_admin=*/true}};
}

}  // namespace

Routes catalog_routes(const ServerState& state) {
  if (state.catalog == nullptr) return {};
  const ModelCatalog& catalog = *state.catalog;
  Routes routes = registration_routes(catalog);
  for (Route& route : cache_routes(catalog)) routes.push_back(std::move(route));
  routes.push_back({"GET", "/v1/engines/{model_type}/{model_name}", [&catalog](RouteCall& call) {
                      require_llm(call.path_values[0]);
                      answer_json(call.response, engines_json(catalog.model(call.path_values[1])));
                    }});
  routes.push_back({"GET", "/v1/engines/{model_name}", [&catalog](RouteCall& call) {
                      answer_json(call.response, engines_json(catalog.model(call.path_values[0])));
                    }});
  return routes;
}

}  // namespace spyhop
