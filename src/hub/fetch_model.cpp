#include "hub/fetch_model.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "common/byte_size.h"
#include "common/nearest_match.h"
#include "common/problem_list.h"
#include "hub/file_lock.h"
#include "registry/model_id.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr long kProbeTimeoutMs = 3000;
constexpr const char* kAuto = "auto";

int64_t free_bytes_of(const std::string& folder) {
  std::error_code error;
  fs::path existing = fs::absolute(folder, error);
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  struct statvfs status {};
  if (::statvfs(existing.c_str(), &status) != 0) return INT64_MAX;
  return static_cast<int64_t>(status.f_bavail) * static_cast<int64_t>(status.f_frsize);
}

/// Bytes of disk that a partial file holds already.
int64_t bytes_held(const std::string& path) {
  constexpr int64_t kBlock = 512;
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_blocks * kBlock : 0;
}

/// A model on one hub.
struct Place {
  std::unique_ptr<Hub> hub;
  HubSource source;
  std::string revision;
  std::unique_ptr<ModelCache> cache;

  std::string title() const { return hub->title() + " (" + hub->settings().endpoint + "), model " + source.model_id; }
};

/// One request on its way.
class Fetch {
 public:
  Fetch(const ModelRequest& request, const FetchOptions& options) : request_(request), options_(options) {
    std::vector<std::string> names;
    for (const HubSource& source : request.sources) names.push_back(source.hub);
    std::vector<std::string> allowed = names;
    allowed.emplace_back(kAuto);
    const std::string wanted = match_or_throw(request.model_src, allowed, "hub of this model", "model-src");
    for (const HubSource& source : request.sources) {
      if (wanted == kAuto || wanted == source.hub) places_.push_back(make_place(source));
    }
  }

  std::optional<FetchedModel> find_cached() const {
    for (const Place& place : places_) {
      if (const auto folder = place.cache->find(place.revision)) return result_of(place, *folder, 0);
    }
    return std::nullopt;
  }

  bool is_offline() const { return places_.front().hub->settings().is_offline; }

  /// Finds out what is to be fetched, from where.
  void ask_hub() {
    place_ = &choose();
    try {
      listing_ = list(*place_);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kUnavailable) fail_unavailable(error.what());
      throw;
    }
  }

  FetchPlan plan() const {
    const Place& place = *place_;
    const RepoListing& listing = listing_;
    FetchPlan plan{place.hub->name(), place.source.model_id, place.revision, listing.commit, place.cache->location(), {}};
    for (const RepoFile& file : listing.files) plan.files.push_back({file, place.cache->has(listing, file)});
    return plan;
  }

  FetchedModel fetch() const {
    const Place& place = *place_;
    const RepoListing& listing = listing_;
    note(place.title() + ", revision " + place.revision + (listing.commit.empty() ? "" : " = " + listing.commit) + ": " +
         std::to_string(listing.files.size()) + " files, " + byte_size_text(spyhop::total_bytes(listing.files)));
    bool has_waited = false;
    const FileLock lock(place.cache->lock_path(), [&] {
      if (!std::exchange(has_waited, true)) note("waiting for another process that fetches " + place.source.model_id);
      if (!go_on({})) throw Error(ErrorCode::kCancelled, "the download was cancelled");
    });
    if (const auto folder = place.cache->find_elsewhere(listing)) return result_of(place, *folder, 0);

    std::vector<RepoFile> missing;
    for (const RepoFile& file : listing.files) {
      if (!place.cache->take(listing, file)) missing.push_back(file);
    }
    check_space(place, listing, missing);
    const int64_t fetched_bytes = missing.empty() ? 0 : download(place, listing, missing);
    return result_of(place, place.cache->finish(listing), fetched_bytes);
  }

  [[noreturn]] void fail_unavailable(const std::string& reason) const {
    std::string text = "the model is not in the cache, and " + reason + ". What helps:";
    for (const Place& place : places_) {
      const std::string& id = place.source.model_id;
      text += "\n  on a machine with a network: spyhop download " + request_.flags + " --model-src " + place.hub->name() +
              (request_.revision.empty() ? "" : " --revision " + request_.revision) +
              "\n    or: " + place.hub->own_command(id, place.revision) + "\n    then copy its folder to " +
              place.cache->location() + " (links kept, as by rsync -a)";
    }
    text += "\n  or give the folder of a checkpoint with --model-path";
    throw Error(ErrorCode::kUnavailable, text);
  }

 private:
  Place make_place(const HubSource& source) const {
    Place place{make_hub(source.hub, options_.environment, request_.download_dir), source, "", nullptr};
    if (!is_model_id(source.model_id)) {
      throw Error(ErrorCode::kInvalidRequest, "model id " + in_quotes(source.model_id) + "; allowed: " + kModelIdRule,
                  "model_id");
    }
    place.revision = !request_.revision.empty() ? request_.revision : source.revision;
    if (place.revision.empty()) place.revision = place.hub->default_revision();
    if (!is_revision(place.revision)) {
      throw Error(ErrorCode::kInvalidRequest, "revision " + in_quotes(place.revision) + "; allowed: " + kRevisionRule,
                  "revision");
    }
    place.cache = place.hub->cache(source.model_id);
    return place;
  }

  void note(const std::string& line) const {
    if (options_.on_note) options_.on_note(line);
  }
  bool go_on(const DownloadProgress& progress) const {
    return !options_.download.on_progress || options_.download.on_progress(progress);
  }

  /// The first place whose hub answers at all, or the only one.
  Place& choose() {
    if (places_.size() == 1) return places_.front();
    for (Place& place : places_) {
      HttpTransferLimits limits = options_.download.limits;
      limits.connect_timeout_ms = kProbeTimeoutMs;
      limits.stall_seconds = static_cast<int>(kProbeTimeoutMs / 1000);
      HubConnection connection(place.hub->access(), limits, options_.download.retry);
      HttpTransferRequest request;
      request.url = place.hub->settings().endpoint + "/";
      request.head_only = true;
      if (connection.run(std::move(request)).result.head.status != 0) return place;
      note(place.hub->title() + " (" + place.hub->settings().endpoint + ") does not answer");
    }
    fail_unavailable("no hub answers");
  }

  RepoListing list(const Place& place) const {
    HubConnection connection(place.hub->access(), options_.download.limits, options_.download.retry);
    RepoListing listing = place.hub->list(connection, place.source.model_id, place.revision);
    check_listing(listing, place.title());
    return needed_files(listing, place.title());
  }

  void check_space(const Place& place, const RepoListing& listing, const std::vector<RepoFile>& missing) const {
    int64_t needed = 0;
    for (const RepoFile& file : missing) {
      needed += file.size - std::min(file.size, bytes_held(place.cache->partial_path(listing, file)));
    }
    const std::string folder = place.cache->location();
    const int64_t available = options_.free_bytes ? options_.free_bytes(folder) : free_bytes_of(folder);
    if (needed <= available) return;
    throw Error(ErrorCode::kModelLoad, folder + ": " + byte_size_text(needed) + " are to be fetched, but only " +
                                           byte_size_text(available) +
                                           " are free there; make room, or choose another disk with --download-dir");
  }

  int64_t download(const Place& place, const RepoListing& listing, const std::vector<RepoFile>& missing) const {
    std::vector<DownloadFile> files;
    std::map<std::string, std::vector<RepoFile>> files_of;  // by where their content goes: equal contents may share it
    for (const RepoFile& file : missing) {
      const std::string content_path = place.cache->content_path(listing, file);
      std::vector<RepoFile>& sharing = files_of[content_path];
      sharing.push_back(file);
      if (sharing.size() > 1) continue;
      files.push_back({file.path, place.hub->file_url(place.source.model_id, listing, file), file.size, file.digest,
                       place.source.model_id + " " + file.commit + " " + file.digest.hex,
                       place.cache->partial_path(listing, file), content_path});
    }
    DownloadOptions options = options_.download;
    options.login_advice = place.hub->login_advice();
    options.on_placed = [&](size_t index) {
      for (const RepoFile& file : files_of.at(files[index].content_path)) place.cache->place(listing, file);
    };
    return download_files(files, place.hub->access(), options).fetched_bytes;
  }

  static FetchedModel result_of(const Place& place, const std::string& folder, int64_t fetched_bytes) {
    return {place.hub->name(), place.source.model_id, place.revision, folder, fetched_bytes};
  }

  const ModelRequest& request_;
  const FetchOptions& options_;
  std::vector<Place> places_;
  const Place* place_ = nullptr;  // the one that answered
  RepoListing listing_;           // of the files needed
};

}  // namespace

int64_t FetchPlan::total_bytes() const {
  int64_t total = 0;
  for (const PlannedFile& planned : files) total += planned.file.size;
  return total;
}

int64_t FetchPlan::missing_bytes() const {
  int64_t missing = 0;
  for (const PlannedFile& planned : files) missing += planned.is_cached ? 0 : planned.file.size;
  return missing;
}

FetchPlan plan_model(const ModelRequest& request, const FetchOptions& options) {
  Fetch fetch(request, options);
  if (fetch.is_offline()) fetch.fail_unavailable("HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set");
  fetch.ask_hub();
  return fetch.plan();
}

FetchedModel fetch_model(const ModelRequest& request, const FetchOptions& options) {
  Fetch fetch(request, options);
  const std::optional<FetchedModel> cached = fetch.find_cached();
  if (cached && (options.prefer_cache || fetch.is_offline())) return *cached;
  if (fetch.is_offline()) fetch.fail_unavailable("HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set");
  try {
    fetch.ask_hub();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable || !cached) throw;
    if (options.on_note) options.on_note("no hub answers; what the cache has is taken: " + cached->folder);
    return *cached;
  }
  return fetch.fetch();
}

}  // namespace spyhop
