#include "hub/cached_models.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "hub/file_lock.h"
#include "hub/hub_tokens.h"
#include "hub_fixture.h"

namespace spyhop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Both hubs.
class CachedModels : public HubTest {
 protected:
  CachedModels() { request_.model_src = GetParam(); }

  bool is_huggingface() const { return GetParam() == "huggingface"; }
  std::unique_ptr<Hub> hub() const { return make_hub(GetParam(), options_.environment, ""); }
  std::vector<CachedModel> found() const { return find_cached_models(*hub(), {}); }
  std::string folder() const { return is_huggingface() ? huggingface_folder() : modelscope_folder(); }

  static void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  std::string removal_error() const {
    try {
      remove_cached_model(*hub(), kModelId);
    } catch (const Error& error) {
      return error.what();
    }
    return "removed";
  }
};

TEST_P(CachedModels, AreNoneInAnEmptyCache) {
  EXPECT_TRUE(found().empty());
  EXPECT_TRUE(find_cached_models(*hub(), {kModelId}).empty());
  EXPECT_TRUE(remove_cached_model(*hub(), kModelId).paths.empty());
  EXPECT_TRUE(fs::is_empty(home_.path()));
}

TEST_P(CachedModels, AreWholeWithTheirBytesAndRevision) {
  const FetchedModel model = fetch();
  const std::vector<CachedModel> models = found();
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].hub, GetParam());
  EXPECT_EQ(models[0].model_id, kModelId);
  EXPECT_EQ(models[0].location, folder());
  ASSERT_EQ(models[0].snapshots.size(), 1U);
  const CachedSnapshot& snapshot = models[0].snapshots[0];
  EXPECT_EQ(snapshot.revision, is_huggingface() ? "main" : "master");
  EXPECT_EQ(snapshot.commit, is_huggingface() ? kCommit : "");
  EXPECT_EQ(snapshot.path, model.folder);
  // The index of ModelScope's older tools is beside the files.
  EXPECT_GE(snapshot.bytes, hub_.wanted_bytes());
  EXPECT_LT(snapshot.bytes, hub_.wanted_bytes() + 1000);
  EXPECT_TRUE(snapshot.is_whole);
}

TEST_P(CachedModels, ArePartialWhileADownloadHasNotEnded) {
  hub_.set_trouble([](Trouble& trouble) { trouble.pause_per_piece = std::chrono::milliseconds(20); });
  options_.download.on_progress = [](const DownloadProgress& progress) {
    return progress.done_bytes < progress.total_bytes / 2;
  };
  EXPECT_EQ(refusal().code(), ErrorCode::kCancelled);
  const std::vector<CachedModel> models = found();
  ASSERT_EQ(models.size(), 1U);
  ASSERT_EQ(models[0].snapshots.size(), 1U);
  EXPECT_FALSE(models[0].snapshots[0].is_whole);
  EXPECT_GT(models[0].snapshots[0].bytes, 0);
}

TEST_P(CachedModels, AreRemovedWithAllThatBelongsToThem) {
  fetch();
  write(home_.path() + "/.cache/modelscope/hub/models/._____temp/deepseek-ai/deepseek-vl2-tiny/part", "part");
  const std::string other = fs::path(folder()).parent_path().string() + "/" +
                            (is_huggingface() ? "models--deepseek-ai--deepseek-vl2" : "deepseek-ai--deepseek-vl2");
  write(other + "/keep", "kept");
  const CacheRemoval plan = plan_cache_removal(*hub(), kModelId);
  EXPECT_EQ(plan.paths.size(), is_huggingface() ? 1U : 3U);  // ModelScope: the folder, a link of older tools, their parts
  EXPECT_GE(plan.bytes, hub_.wanted_bytes());
  const CacheRemoval removal = remove_cached_model(*hub(), kModelId);
  EXPECT_EQ(removal.paths, plan.paths);
  for (const std::string& path : plan.paths) EXPECT_FALSE(fs::exists(fs::symlink_status(path))) << path;
  EXPECT_TRUE(fs::exists(other + "/keep"));
  expect_whole(fetch().folder);
}

TEST_P(CachedModels, AreNotRemovedWhileADownloadHoldsTheLock) {
  fetch();
  const FileLock lock(hub()->cache(kModelId)->lock_path(), [] { FAIL(); });
  EXPECT_THAT(removal_error(), HasSubstr("is being fetched by another process"));
  EXPECT_TRUE(fs::exists(folder()));
}

TEST_P(CachedModels, AreNotRemovedWhileTheHubsOwnToolHoldsALock) {
  fetch();
  const std::string cache = home_.path() + "/.cache/";
  const std::string path = is_huggingface() ? cache + "huggingface/hub/.locks/models--deepseek-ai--deepseek-vl2-tiny/0123.lock"
                                            : cache + "modelscope/.lock/model_deepseek-ai___deepseek-vl2-tiny_config_json.lock";
  write(path, "");
  const int file = ::open(path.c_str(), O_RDWR);
  ASSERT_EQ(::flock(file, LOCK_EX | LOCK_NB), 0);
  EXPECT_THAT(removal_error(), HasSubstr(path));
  ::close(file);
  EXPECT_EQ(removal_error(), "removed");
}

TEST_P(CachedModels, AreRemovedWhileTheToolFetchesAnotherModelOfASimilarName) {
  fetch();
  const std::string cache = home_.path() + "/.cache/";
  const std::string path = is_huggingface() ? cache + "huggingface/hub/.locks/models--deepseek-ai--deepseek-vl2/0123.lock"
                                            : cache + "modelscope/.lock/model_deepseek-ai___deepseek-vl2-tiny-x_a.lock";
  write(path, "");
  const int file = ::open(path.c_str(), O_RDWR);
  ASSERT_EQ(::flock(file, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(removal_error(), "removed");
  ::close(file);
}

TEST_P(CachedModels, AreNotRemovedThroughALinkOutOfTheCache) {
  const std::string outside = home_.path() + "/outside";
  write(outside + "/snapshots/" + kCommit + "/precious", "data");
  fs::create_directories(fs::path(folder()).parent_path());
  fs::create_directory_symlink(outside, folder());
  EXPECT_THAT(removal_error(), HasSubstr("a link out of the cache, which is not followed"));
  EXPECT_TRUE(fs::exists(outside + "/snapshots/" + kCommit + "/precious"));
  EXPECT_TRUE(fs::is_symlink(folder()));
}

TEST_P(CachedModels, LoseLinksInsideButNotWhatTheseLeadTo) {
  const std::string snapshot = fetch().folder;
  const std::string outside = home_.path() + "/outside";
  write(outside + "/precious", "data");
  fs::create_directory_symlink(outside, snapshot + "/folder");
  fs::create_symlink(outside + "/precious", snapshot + "/file");
  EXPECT_EQ(removal_error(), "removed");
  EXPECT_FALSE(fs::exists(folder()));
  EXPECT_TRUE(fs::exists(outside + "/precious"));
}

TEST_P(CachedModels, MayLieInACacheThatIsALinkItself) {
  const std::string root = home_.path() + "/.cache";
  fs::create_directories(home_.path() + "/disk");
  fs::create_directory_symlink(home_.path() + "/disk", root);
  fetch();
  EXPECT_EQ(removal_error(), "removed");
}

INSTANTIATE_TEST_SUITE_P(Hubs, CachedModels, ::testing::Values("huggingface", "modelscope"),
                         [](const auto& hub) { return hub.param; });

using HuggingFaceCache = HubTest;

TEST_F(HuggingFaceCache, NamesBranchesAndTagsOfACommit) {
  fetch();
  std::ofstream(huggingface_folder() + "/refs/v1") << kCommit;
  const auto hub = make_hub("huggingface", options_.environment, "");
  EXPECT_EQ(find_cached_models(*hub, {}).at(0).snapshots.at(0).revision, "main, v1");
  fs::remove_all(huggingface_folder() + "/refs");
  EXPECT_EQ(find_cached_models(*hub, {}).at(0).snapshots.at(0).revision, kCommit);
}

TEST_F(HuggingFaceCache, CountsWhatHfDownloadHasLeftUnfinished) {
  fs::create_directories(huggingface_folder() + "/blobs");
  std::ofstream(huggingface_folder() + "/blobs/0123.incomplete") << std::string(10'000, 'x');
  const auto hub = make_hub("huggingface", options_.environment, "");
  const CachedSnapshot snapshot = find_cached_models(*hub, {}).at(0).snapshots.at(0);
  EXPECT_EQ(snapshot.revision, "");
  EXPECT_GE(snapshot.bytes, 10'000);
  EXPECT_FALSE(snapshot.is_whole);
}

TEST_F(HuggingFaceCache, IgnoresFoldersThatAreNoModels) {
  const std::string root = home_.path() + "/.cache/huggingface/hub/";
  for (const char* name : {"datasets--a--b", "models--", "models--a", "models--..--x", ".locks", "version.txt"}) {
    fs::create_directories(root + name + "/snapshots/" + kCommit);
  }
  EXPECT_TRUE(find_cached_models(*make_hub("huggingface", options_.environment, ""), {}).empty());
}

TEST(ModelScopeCache, FindsAndRemovesTheLayoutOfOlderTools) {
  const TempDir home;
  const std::string folder = home.path() + "/.cache/modelscope/hub/models/deepseek-ai/deepseek-vl2___5";
  fs::create_directories(folder);
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"}) std::ofstream(folder + "/" + name) << "{}";
  const auto hub = make_hub(
      "modelscope", [&](const std::string& name) { return name == "HOME" ? home.path() : ""; }, "");
  EXPECT_TRUE(find_cached_models(*hub, {}).empty());
  const std::vector<CachedModel> models = find_cached_models(*hub, {"deepseek-ai/deepseek-vl2.5"});
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].snapshots.at(0).path, folder);
  EXPECT_TRUE(models[0].snapshots.at(0).is_whole);
  EXPECT_EQ(remove_cached_model(*hub, "deepseek-ai/deepseek-vl2.5").paths, std::vector<std::string>{folder});
  EXPECT_FALSE(fs::exists(folder));
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

TEST(HubTokens, AreReadableByTheirOwnerOnly) {
  const TempDir home;
  const std::string path = home.path() + "/hf/token";
  write_token(path, "hf_one");
  EXPECT_EQ(content_of(path), "hf_one");
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(mode_of(home.path() + "/hf"), 0700U);
  fs::permissions(path, fs::perms::owner_all | fs::perms::others_read);
  write_token(path, "hf_two");
  EXPECT_EQ(content_of(path), "hf_two");
  EXPECT_EQ(mode_of(path), 0600U);
}

TEST(HubTokens, AreListedUnderTheirNames) {
  const TempDir home;
  const std::string path = home.file("stored_tokens");
  add_to_token_list(path, "laptop", "hf_one");
  add_to_token_list(path, "server", "hf_two");
  add_to_token_list(path, "laptop", "hf_three");
  EXPECT_EQ(content_of(path), "[server]\nhf_token = hf_two\n\n[laptop]\nhf_token = hf_three\n\n");
  EXPECT_EQ(mode_of(path), 0600U);
  for (const char* name : {"", "a]b", "a\nb", "DEFAULT"}) add_to_token_list(path, name, "hf_four");
  EXPECT_THAT(content_of(path), ::testing::Not(HasSubstr("hf_four")));
}

}  // namespace
}  // namespace spyhop::testing
