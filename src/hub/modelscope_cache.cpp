#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "common/file.h"
#include "common/sha256.h"
#include "hub/cache_files.h"
#include "hub/modelscope.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultRevision = "master";
constexpr const char* kOldIndex = ".msc";

/// The index of the older tools: a Python pickle, here of the oldest protocol, of [{'Path': ..., 'Revision': ...}].
std::string old_index(const std::vector<RepoFile>& files) {
  const auto is_plain = [](const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F && c != '\\'; });
  };
  std::string pickle = "(l";
  for (const RepoFile& file : files) {
    if (!is_plain(file.path) || !is_plain(file.commit)) continue;
    pickle += "(dVPath\nV" + file.path + "\nsVRevision\nV" + file.commit + "\nsa";
  }
  return pickle + ".";
}

bool holds_all(const std::string& folder, const RepoListing& listing) {
  const auto& files = listing.files;
  const auto has_size = [&](const RepoFile& file) { return file_size_of(folder + "/" + file.path) == file.size; };
  const auto has_content = [&](const RepoFile& file) { return holds_content(folder + "/" + file.path, file); };
  return std::all_of(files.begin(), files.end(), has_size) && std::all_of(files.begin(), files.end(), has_content);
}

/// Source: modelscope_hub, and modelscope before it, the layouts of their caches.
class ModelScopeCache : public ModelCache {
 public:
  ModelScopeCache(const std::string& root, const std::string& old_root, const std::string& model_id) {
    const size_t slash = model_id.find('/');
    const std::string owner = model_id.substr(0, slash);
    const std::string name = model_id.substr(slash + 1);
    root_ = root;
    old_root_ = old_root;
    lock_name_ = owner + "___" + name;
    folder_ = root + "/models/" + owner + "--" + name;
    lock_path_ = root + "/.lock/spyhop_" + lock_name_ + ".lock";
    std::string escaped;
    for (const char c : name) escaped += c == '.' ? std::string("___") : std::string(1, c);
    old_folder_ = old_root + "/models/" + owner + "/" + escaped;
    other_folders_ = {old_folder_, old_root + "/" + owner + "/" + escaped};
    if (escaped != name) other_folders_.push_back(old_root + "/" + owner + "/" + name);
    temporary_folder_ = old_root + "/models/._____temp/" + owner + "/" + name;
  }

  std::string location() const override { return folder_; }
  std::string lock_path() const override { return lock_path_; }

  std::optional<std::string> find(const std::string& revision) const override {
    if (const std::string snapshot = folder_ + "/snapshots/" + revision; is_whole_checkpoint(snapshot)) return snapshot;
    if (revision != kDefaultRevision) return std::nullopt;  // the old layouts keep one revision and do not say which
    for (const std::string& folder : other_folders_) {
      if (is_whole_checkpoint(folder)) return folder;
    }
    return std::nullopt;
  }

  std::optional<std::string> find_elsewhere(const RepoListing& listing) const override {
    for (const std::string& folder : other_folders_) {
      std::error_code error;
      if (!fs::is_symlink(folder, error) && holds_all(folder, listing)) return folder;
    }
    return std::nullopt;
  }

  bool has(const RepoListing& listing, const RepoFile& file) const override { return !find_content(listing, file).empty(); }

  /// What another snapshot or layout has becomes a hard link.
  bool take(const RepoListing& listing, const RepoFile& file) override {
    const std::string path = content_path(listing, file);
    const std::string source = find_content(listing, file);
    if (source.empty() || source == path) return !source.empty();
    make_parent_folder(path);
    std::error_code error;
    fs::remove(path, error);
    fs::create_hard_link(fs::canonical(source, error), path, error);
    return !error;
  }

  std::string partial_path(const RepoListing& listing, const RepoFile& file) const override {
    const std::string content = file.digest.hex.empty() ? listing.revision + " " + file.commit : file.digest.hex;
    return folder_ + "/.spyhop/" + sha256_hex(file.path + " " + content);
  }

  std::string content_path(const RepoListing& listing, const RepoFile& file) const override {
    return folder_ + "/snapshots/" + listing.revision + "/" + file.path;
  }

  void place(const RepoListing&, const RepoFile&) override {}

  std::string finish(const RepoListing& listing) override {
    const std::string snapshot = folder_ + "/snapshots/" + listing.revision;
    std::error_code error;
    fs::remove_all(folder_ + "/.spyhop", error);  // what is left there is of other revisions, and nobody may come back for it
    // Older tools find the snapshot through a link, unless they have a folder of their own there.
    const fs::file_status status = fs::symlink_status(old_folder_, error);
    if (fs::is_symlink(status) || !fs::exists(status)) {
      replace_text_file(snapshot + "/" + kOldIndex, old_index(listing.files));
      replace_link(old_folder_, fs::absolute(snapshot).lexically_relative(fs::absolute(old_folder_).parent_path()).string());
    }
    return snapshot;
  }

  std::vector<CachedSnapshot> snapshots() const override {
    std::vector<CachedSnapshot> all;
    for (const std::string& revision : folders_in(folder_ + "/snapshots")) {
      const std::string path = folder_ + "/snapshots/" + revision;
      all.push_back({revision, "", path, content_bytes(path), is_whole_checkpoint(path)});
    }
    add_unfinished(all, disk_bytes(folder_ + "/.spyhop"), folder_);
    std::error_code error;
    for (const std::string& path : other_folders_) {
      if (!fs::is_directory(fs::symlink_status(path, error))) continue;
      all.push_back({"", "", path, content_bytes(path), is_whole_checkpoint(path)});
    }
    if (const int64_t bytes = disk_bytes(temporary_folder_); bytes > 0)
      all.push_back({"", "", temporary_folder_, bytes, false});
    return all;
  }

  std::vector<CacheEntry> entries() const override {
    std::vector<CacheEntry> all;
    std::error_code error;
    if (fs::exists(fs::symlink_status(folder_, error))) all.push_back({root_, folder_});
    std::vector<std::string> paths = other_folders_;
    paths.push_back(temporary_folder_);
    for (const std::string& path : paths) {
      if (fs::exists(fs::symlink_status(path, error))) all.push_back({old_root_, path});
    }
    return all;
  }

  std::vector<std::string> tool_locks() const override {
    std::vector<std::string> locks;
    for (const std::string& folder : {root_ + "/.lock", old_root_ + "/.lock"}) {
      for (const std::string& name : files_in(folder)) {
        if (const std::string path = folder + "/" + name; is_own_lock(name) && path != lock_path_) locks.push_back(path);
      }
    }
    return locks;
  }

 private:
  /// Whether the lock is of this model, and not of one whose name begins or ends with this one's.
  bool is_own_lock(const std::string& name) const {
    const size_t begin = name.find(lock_name_);
    if (begin == std::string::npos) return false;
    const auto is_border = [](char c) { return c == '_' || c == '.'; };
    const size_t end = begin + lock_name_.size();
    return (begin == 0 || is_border(name[begin - 1])) && (end == name.size() || is_border(name[end]));
  }

  /// Where the content is: a snapshot is named by a revision, which may move on, so that only reading the file tells. Empty
  /// when it is nowhere.
  std::string find_content(const RepoListing& listing, const RepoFile& file) const {
    const std::string path = content_path(listing, file);
    if (holds_content(path, file)) return path;
    if (file.digest.kind == ContentDigest::Kind::kNone) return "";
    std::vector<std::string> folders = other_folders_;
    std::error_code error;
    for (fs::directory_iterator each(folder_ + "/snapshots", error), end; !error && each != end; each.increment(error)) {
      folders.push_back(each->path().string());
    }
    for (const std::string& folder : folders) {
      const std::string candidate = folder + "/" + file.path;
      if (holds_content(candidate, file)) return candidate;
    }
    return "";
  }

  std::string root_;
  std::string old_root_;
  std::string folder_;
  std::string lock_path_;
  std::string lock_name_;                   // in the names of locks
  std::string temporary_folder_;            // of the tools before 2026
  std::string old_folder_;                  // where the tools before 2026 look
  std::vector<std::string> other_folders_;  // where they may have put files
};

}  // namespace

std::unique_ptr<ModelCache> make_modelscope_cache(const std::string& root, const std::string& old_root,
                                                  const std::string& model_id) {
  return std::make_unique<ModelScopeCache>(root, old_root, model_id);
}

}  // namespace spyhop
