// What the hubs have in common: where models are listed and fetched, and the cache that a hub's own tools share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/hub_connection.h"
#include "hub/hub_settings.h"
#include "hub/repo_listing.h"

namespace spyhop {

/// A revision of a model in a cache, or what a download that did not end has left.
struct CachedSnapshot {
  std::string revision;  // branches and tags that stand for it, else its commit; empty where the cache does not say
  std::string commit;    // may be empty
  std::string path;      // folder
  int64_t bytes = 0;     // of its files, those that are being fetched included
  bool is_whole = false;
};

/// Something of a model in a cache: a folder, or a link into one of the model's folders.
struct CacheEntry {
  std::string root;  // of the cache
  std::string path;  // below the root
};

/// One model in a hub's cache. Thread safety: one thread at a time, but for place(), which may be called for different files.
class ModelCache {
 public:
  virtual ~ModelCache() = default;

  /// Folder of the model's files in the cache, whole or not. For messages.
  virtual std::string location() const = 0;
  virtual std::string lock_path() const = 0;
  /// The folder of a whole checkpoint of `revision`, told without the hub.
  virtual std::optional<std::string> find(const std::string& revision) const = 0;
  /// A folder in which another layout of the hub's tools keeps all of the listing's files already.
  virtual std::optional<std::string> find_elsewhere(const RepoListing& listing) const = 0;

  /// Whether the file's content is in the cache. Changes nothing.
  virtual bool has(const RepoListing& listing, const RepoFile& file) const = 0;
  /// Makes content that is in the cache part of the snapshot; false when it is not there.
  virtual bool take(const RepoListing& listing, const RepoFile& file) = 0;
  /// Where the content goes while it comes, and from there when it is whole: both on one file system.
  virtual std::string partial_path(const RepoListing& listing, const RepoFile& file) const = 0;
  virtual std::string content_path(const RepoListing& listing, const RepoFile& file) const = 0;
  /// Makes the whole content part of the snapshot.
  virtual void place(const RepoListing& listing, const RepoFile& file) = 0;
  /// Records that the snapshot is whole; returns its folder.
  virtual std::string finish(const RepoListing& listing) = 0;

  /// What there is of the model.
  virtual std::vector<CachedSnapshot> snapshots() const = 0;
  /// All that is the model's own, locks aside: what goes when the model is removed. The first is location() if it exists.
  virtual std::vector<CacheEntry> entries() const = 0;
  /// Locks that the hub's own tools hold while they fetch files of the model.
  virtual std::vector<std::string> tool_locks() const = 0;
};

/// Whom a token belongs to.
struct HubUser {
  std::string name;
  std::string token_name;  // that the user gave the token on the hub; may be empty
};

/// A hub as a protocol. Thread safety: immutable.
class Hub {
 public:
  explicit Hub(HubSettings settings) : settings_(std::move(settings)) {}
  virtual ~Hub() = default;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  const HubSettings& settings() const { return settings_; }
  virtual HubAccess access() const = 0;

  virtual std::string name() const = 0;   // "huggingface"
  virtual std::string title() const = 0;  // "Hugging Face"
  virtual std::string default_revision() const = 0;
  /// How the hub's own tool fetches a model: "hf download deepseek-ai/deepseek-vl2-tiny".
  virtual std::string own_command(const std::string& model_id, const std::string& revision) const = 0;
  /// How to get the right to a model that is guarded.
  virtual std::string login_advice() const = 0;

  /// The files of a revision; not checked yet. Throws Error: kModelNotFound (no such model or revision), kUnauthorized (the
  /// model is guarded), kUnavailable (no answer), kModelLoad (an answer that cannot be understood).
  virtual RepoListing list(HubConnection& connection, const std::string& model_id, const std::string& revision) const = 0;
  virtual std::string file_url(const std::string& model_id, const RepoListing& listing, const RepoFile& file) const = 0;
  virtual std::unique_ptr<ModelCache> cache(const std::string& model_id) const = 0;
  /// Models that the cache has folders of, in its current layout.
  virtual std::vector<std::string> cached_model_ids() const = 0;

  /// The variable that holds a token: "HF_TOKEN".
  virtual std::string token_variable() const = 0;
  /// Whose token the settings hold. Throws Error: kUnauthorized (the hub does not know it), kUnavailable (no answer),
  /// kModelLoad (an answer that cannot be understood).
  virtual HubUser whoami(HubConnection& connection) const = 0;
  /// Keeps the settings' token where the hub's own tool keeps it, readable by its owner only. Throws Error{kModelLoad}.
  virtual void store_token(const HubUser& user) const = 0;

 private:
  HubSettings settings_;
};

/// A hub by its name. `download_dir` takes the place of the cache's root unless it is empty. Throws Error{kInvalidRequest} for
/// settings that are none, naming the variable.
std::unique_ptr<Hub> make_hub(const std::string& name, const Environment& environment, const std::string& download_dir);

/// The hubs' names, in the order in which they are tried.
const std::vector<std::string>& hub_names();

}  // namespace spyhop
