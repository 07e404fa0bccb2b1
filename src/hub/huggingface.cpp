#include "hub/huggingface.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/json_fields.h"
#include "common/problem_list.h"
#include "hub/cache_files.h"
#include "hub/hub_tokens.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

const std::string kModelsPrefix = "models--";
constexpr size_t kMaxListBytes = size_t{64} << 20;

/// A field of a hub's answer, or the fallback when it is missing or of another type.
std::string text_or(const json& object, const char* key, const std::string& fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

int64_t size_or(const json& object, const char* key, int64_t fallback) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_number_integer() ? found->get<int64_t>() : fallback;
}

RepoFile read_file(const json& entry, const std::string& source) {
  RepoFile file;
  file.path = text_or(entry, "rfilename", "");
  file.size = size_or(entry, "size", -1);
  file.digest = {ContentDigest::Kind::kGitBlob, text_or(entry, "blobId", "")};
  if (entry.is_object() && entry.contains("lfs") && entry["lfs"].is_object()) {
    const json& lfs = entry["lfs"];
    file.digest = {ContentDigest::Kind::kSha256, text_or(lfs, "sha256", text_or(lfs, "oid", ""))};
    file.size = size_or(lfs, "size", file.size);
  }
  if (file.size >= 0 && !file.digest.hex.empty()) return file;
  throw Error(ErrorCode::kModelLoad, source + ": the hub lists the file " + in_quotes(file.path) + " without size or digest");
}

class HuggingFace : public Hub {
 public:
  using Hub::Hub;

  HubAccess access() const override {
    HubAccess access{settings().endpoint, {}};
    if (!settings().token.empty()) access.auth_headers.push_back("Authorization: Bearer " + settings().token);
    return access;
  }

  std::string name() const override { return "huggingface"; }
  std::string title() const override { return "Hugging Face"; }
  std::string default_revision() const override { return "main"; }

  std::string own_command(const std::string& model_id, const std::string& revision) const override {
    return "hf download " + model_id + (revision == default_revision() ? "" : " --revision " + revision);
  }

  std::string login_advice() const override {
    return "accept its terms on its page if it asks for that, then set HF_TOKEN or run `spyhop login`";
  }

  RepoListing list(HubConnection& connection, const std::string& model_id, const std::string& revision) const override {
    const std::string url = settings().endpoint + "/api/models/" + percent_encoded(model_id, true) + "/revision/" +
                            percent_encoded(revision, false) + "?blobs=true";
    const HubText answer = connection.get_text(url, kMaxListBytes);
    const std::string source = title() + " (" + settings().endpoint + "), model " + model_id;
    if (answer.head.status != 200) refuse(answer, source, revision);
    const json document = parse_json(answer.body, source);
    RepoListing listing{revision, text_or(document, "sha", ""), {}};
    if (listing.commit.empty() || !document.contains("siblings") || !document["siblings"].is_array()) {
      throw Error(ErrorCode::kModelLoad, source + ": the hub's answer has no sha and no siblings");
    }
    for (const json& entry : document["siblings"]) listing.files.push_back(read_file(entry, source));
    return listing;
  }

  std::string file_url(const std::string& model_id, const RepoListing& listing, const RepoFile& file) const override {
    return settings().endpoint + "/" + percent_encoded(model_id, true) + "/resolve/" + listing.commit + "/" +
           percent_encoded(file.path, true);
  }

  std::unique_ptr<ModelCache> cache(const std::string& model_id) const override {
    return make_huggingface_cache(settings().cache_dir, model_id);
  }

  std::vector<std::string> cached_model_ids() const override {
    std::vector<std::string> ids;
    for (const std::string& folder : folders_in(settings().cache_dir)) {
      if (folder.rfind(kModelsPrefix, 0) == 0) add_model_id(ids, folder.substr(kModelsPrefix.size()));
    }
    return ids;
  }

  std::string token_variable() const override { return "HF_TOKEN"; }

  HubUser whoami(HubConnection& connection) const override {
    const HubText answer = connection.get_text(settings().endpoint + "/api/whoami-v2", kMaxUserBytes);
    const json document = user_document(*this, answer);
    const json auth = document.value("auth", json());
    const json token = auth.is_object() ? auth.value("accessToken", json()) : json();
    return named_user(*this, {text_or(document, "name", ""), text_or(token, "displayName", "")});
  }

  void store_token(const HubUser& user) const override {
    write_token(settings().token_path, settings().token);
    const std::string list = std::filesystem::path(settings().token_path).replace_filename("stored_tokens").string();
    add_to_token_list(list, user.token_name, settings().token);
  }

 private:
  [[noreturn]] void refuse(const HubText& answer, const std::string& source, const std::string& revision) const {
    const int status = answer.head.status;
    const std::string code = answer.head.header("x-error-code");
    if (status == 404 && code == "RevisionNotFound") {
      throw Error(ErrorCode::kModelNotFound, source + " has no revision " + in_quotes(revision), "revision");
    }
    if (code == "GatedRepo" || status == 403) {
      throw Error(ErrorCode::kUnauthorized, source + " is guarded: " + login_advice());
    }
    if (status == 404 || status == 401) {
      throw Error(ErrorCode::kModelNotFound,
                  source + " does not exist, or it is private and the token, if any, gives no right to it: " + login_advice());
    }
    throw Error(may_pass(status) ? ErrorCode::kUnavailable : ErrorCode::kModelLoad,
                source + ": the hub answers with status " + std::to_string(status) + " " +
                    in_quotes(answer.head.header("x-error-message")));
  }
};

}  // namespace

std::unique_ptr<Hub> make_huggingface(HubSettings settings) {
  return std::make_unique<HuggingFace>(std::move(settings));
}

}  // namespace spyhop
