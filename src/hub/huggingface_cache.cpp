#include <filesystem>
#include <map>
#include <system_error>

#include "common/file.h"
#include "hub/cache_files.h"
#include "hub/huggingface.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCommitDigits = 40;

bool is_commit(const std::string& text) {
  return text.size() == kCommitDigits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// Source: huggingface_hub, the layout of its cache.
class HuggingFaceCache : public ModelCache {
 public:
  HuggingFaceCache(const std::string& root, const std::string& model_id) {
    const size_t slash = model_id.find('/');
    const std::string folder = "models--" + model_id.substr(0, slash) + "--" + model_id.substr(slash + 1);
    root_ = root;
    folder_ = root + "/" + folder;
    lock_folder_ = root + "/.locks/" + folder;
  }

  std::string location() const override { return folder_; }
  std::string lock_path() const override { return lock_folder_ + "/spyhop.lock"; }

  std::optional<std::string> find(const std::string& revision) const override {
    std::string commit = revision;
    const std::string ref = folder_ + "/refs/" + revision;
    if (!is_commit(revision)) {
      if (file_size_of(ref) != static_cast<int64_t>(kCommitDigits)) return std::nullopt;
      commit = read_text_file(ref, kCommitDigits);
      if (!is_commit(commit)) return std::nullopt;
    }
    const std::string snapshot = folder_ + "/snapshots/" + commit;
    return is_whole_checkpoint(snapshot) ? std::optional<std::string>(snapshot) : std::nullopt;
  }

  std::optional<std::string> find_elsewhere(const RepoListing&) const override { return std::nullopt; }

  /// Blobs are named by their content's digest and put in place whole, so that the size is all there is to check.
  bool has(const RepoListing& listing, const RepoFile& file) const override {
    return file_size_of(snapshot_path(listing, file)) == file.size || file_size_of(content_path(listing, file)) == file.size;
  }

  bool take(const RepoListing& listing, const RepoFile& file) override {
    if (file_size_of(snapshot_path(listing, file)) == file.size) return true;
    if (file_size_of(content_path(listing, file)) != file.size) return false;
    place(listing, file);
    return true;
  }

  std::string partial_path(const RepoListing&, const RepoFile& file) const override {
    return folder_ + "/.spyhop/" + file.digest.hex;
  }

  std::string content_path(const RepoListing&, const RepoFile& file) const override {
    return folder_ + "/blobs/" + file.digest.hex;
  }

  void place(const RepoListing& listing, const RepoFile& file) override {
    std::string up = "../../";
    for (const char c : file.path) up += c == '/' ? "../" : "";
    replace_link(snapshot_path(listing, file), up + "blobs/" + file.digest.hex);
  }

  std::string finish(const RepoListing& listing) override {
    if (listing.revision != listing.commit) {
      const std::string ref = folder_ + "/refs/" + listing.revision;
      make_parent_folder(ref);
      replace_text_file(ref, listing.commit);
    }
    std::error_code error;
    fs::remove_all(folder_ + "/.spyhop", error);  // what is left there is of other revisions, and nobody may come back for it
    return folder_ + "/snapshots/" + listing.commit;
  }

  std::vector<CachedSnapshot> snapshots() const override {
    const std::map<std::string, std::string> names = names_of_commits();
    std::vector<CachedSnapshot> all;
    for (const std::string& commit : folders_in(folder_ + "/snapshots")) {
      const auto name = names.find(commit);
      const std::string path = folder_ + "/snapshots/" + commit;
      all.push_back(
          {name == names.end() ? commit : name->second, commit, path, content_bytes(path), is_whole_checkpoint(path)});
    }
    add_unfinished(all, partial_bytes(), folder_);
    return all;
  }

  std::vector<CacheEntry> entries() const override {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(folder_, error))) return {};
    return {{root_, folder_}};
  }

  std::vector<std::string> tool_locks() const override {
    std::vector<std::string> locks;
    for (const std::string& name : files_in(lock_folder_)) {
      if (const std::string path = lock_folder_ + "/" + name; path != lock_path()) locks.push_back(path);
    }
    return locks;
  }

 private:
  /// By commit: the branches and tags that stand for it, separated by ", ".
  std::map<std::string, std::string> names_of_commits() const {
    std::map<std::string, std::string> names;
    for (const std::string& ref : files_in(folder_ + "/refs")) {
      const std::string path = folder_ + "/refs/" + ref;
      if (file_size_of(path) != static_cast<int64_t>(kCommitDigits)) continue;
      std::string& name = names[read_text_file(path, kCommitDigits)];
      name += (name.empty() ? "" : ", ") + ref;
    }
    return names;
  }

  /// Of downloads that did not end, ours and those of `hf download`.
  int64_t partial_bytes() const {
    int64_t total = disk_bytes(folder_ + "/.spyhop");
    for (const std::string& name : files_in(folder_ + "/blobs")) {
      if (fs::path(name).extension() == ".incomplete") total += disk_bytes(folder_ + "/blobs/" + name);
    }
    return total;
  }

  std::string snapshot_path(const RepoListing& listing, const RepoFile& file) const {
    return folder_ + "/snapshots/" + listing.commit + "/" + file.path;
  }

  std::string root_;
  std::string folder_;
  std::string lock_folder_;
};

}  // namespace

std::unique_ptr<ModelCache> make_huggingface_cache(const std::string& root, const std::string& model_id) {
  return std::make_unique<HuggingFaceCache>(root, model_id);
}

}  // namespace spyhop
