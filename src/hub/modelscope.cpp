#include "hub/modelscope.h"

#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "common/problem_list.h"
#include "hub/cache_files.h"
#include "hub/hub_tokens.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kMaxListBytes = size_t{64} << 20;

std::string text_of(const json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

class ModelScope : public Hub {
 public:
  using Hub::Hub;

  HubAccess access() const override {
    HubAccess access{settings().endpoint, {}};
    if (settings().token.empty()) return access;
    // Older routes know the cookie only.
    access.auth_headers = {"Authorization: Bearer " + settings().token, "Cookie: m_session_id=" + settings().token};
    return access;
  }

  std::string name() const override { return "modelscope"; }
  std::string title() const override { return "ModelScope"; }
  std::string default_revision() const override { return "master"; }

  std::string own_command(const std::string& model_id, const std::string& revision) const override {
    return "modelscope download --model " + model_id + (revision == default_revision() ? "" : " --revision " + revision);
  }

  std::string login_advice() const override { return "set MODELSCOPE_API_TOKEN or run `spyhop login --model-src modelscope`"; }

  RepoListing list(HubConnection& connection, const std::string& model_id, const std::string& revision) const override {
    const std::string url = route(model_id) + "/files?Revision=" + percent_encoded(revision, false) + "&Recursive=True";
    const HubText answer = connection.get_text(url, kMaxListBytes);
    const std::string source = title() + " (" + settings().endpoint + "), model " + model_id;
    check_status(answer, source, revision);
    const json document = parse_json(answer.body, source);
    if (!document.is_object() || (document.contains("Success") && document["Success"] == false)) {
      throw not_found(document, source, revision);
    }
    const json data = document.value("Data", json());
    const json files = data.is_object() ? data.value("Files", json()) : json();
    if (!files.is_array()) throw Error(ErrorCode::kModelLoad, source + ": the hub's answer has no Data.Files");
    RepoListing listing{revision, "", {}};
    for (const json& entry : files) {
      if (entry.is_object() && text_of(entry, "Type") != "tree") listing.files.push_back(read_file(entry, source));
    }
    return listing;
  }

  std::string file_url(const std::string& model_id, const RepoListing& listing, const RepoFile& file) const override {
    return route(model_id) + "?Revision=" + percent_encoded(listing.revision, false) +
           "&FilePath=" + percent_encoded(file.path, false);
  }

  std::unique_ptr<ModelCache> cache(const std::string& model_id) const override {
    return make_modelscope_cache(settings().cache_dir, settings().old_cache_dir, model_id);
  }

  std::vector<std::string> cached_model_ids() const override {
    std::vector<std::string> ids;
    for (const std::string& folder : folders_in(settings().cache_dir + "/models")) add_model_id(ids, folder);
    return ids;
  }

  std::string token_variable() const override { return "MODELSCOPE_API_TOKEN"; }

  HubUser whoami(HubConnection& connection) const override {
    const HubText answer = connection.get_text(settings().endpoint + "/openapi/v1/users/me", kMaxUserBytes);
    const json document = user_document(*this, answer);
    const json data = document.value("data", json());
    return named_user(*this, {data.is_object() ? text_of(data, "username") : "", ""});
  }

  void store_token(const HubUser&) const override { write_token(settings().token_path, settings().token); }

 private:
  std::string route(const std::string& model_id) const {
    return settings().endpoint + "/api/v1/models/" + percent_encoded(model_id, true) + "/repo";
  }

  static RepoFile read_file(const json& entry, const std::string& source) {
    RepoFile file;
    file.path = text_of(entry, "Path");
    file.commit = text_of(entry, "Revision");
    file.size = entry.contains("Size") && entry["Size"].is_number_integer() ? entry["Size"].get<int64_t>() : -1;
    const std::string sha256 = text_of(entry, "Sha256");
    if (!sha256.empty()) file.digest = {ContentDigest::Kind::kSha256, sha256};
    if (file.size >= 0) return file;
    throw Error(ErrorCode::kModelLoad, source + ": the hub lists the file " + in_quotes(file.path) + " without size");
  }

  static Error not_found(const json& document, const std::string& source, const std::string& revision) {
    const std::string said = document.is_object() ? text_of(document, "Message") : "";
    return {ErrorCode::kModelNotFound,
            source + " or its revision " + in_quotes(revision) + " does not exist" +
                (said.empty() ? "" : "; the hub says " + in_quotes(said)),
            "revision"};
  }

  void check_status(const HubText& answer, const std::string& source, const std::string& revision) const {
    const int status = answer.head.status;
    if (status == 200) return;
    if (status == 401 || status == 403) {
      throw Error(ErrorCode::kUnauthorized, source + " is guarded: " + login_advice());
    }
    if (status == 404) throw not_found(json::parse(answer.body, nullptr, false), source, revision);
    throw Error(may_pass(status) ? ErrorCode::kUnavailable : ErrorCode::kModelLoad,
                source + ": the hub answers with status " + std::to_string(status));
  }
};

}  // namespace

std::unique_ptr<Hub> make_modelscope(HubSettings settings) {
  return std::make_unique<ModelScope>(std::move(settings));
}

}  // namespace spyhop
