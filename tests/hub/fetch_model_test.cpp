#include "hub/fetch_model.h"

#include <filesystem>
#include <fstream>

#include "hub_fixture.h"

namespace spyhop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Both hubs.
class FetchModel : public HubTest {
 protected:
  FetchModel() { request_.model_src = GetParam(); }
  bool is_huggingface() const { return GetParam() == "huggingface"; }
};

TEST_P(FetchModel, GetsTheFilesThatAreNeededAndNoOthers) {
  const FetchedModel model = fetch();
  expect_whole(model.folder);
  EXPECT_EQ(model.hub, GetParam());
  EXPECT_EQ(model.fetched_bytes, hub_.wanted_bytes());
  EXPECT_EQ(hub_.num_sent(), hub_.wanted_bytes());
}

TEST_P(FetchModel, FetchesNothingTwice) {
  fetch();
  hub_.forget();
  const FetchedModel again = fetch();
  expect_whole(again.folder);
  EXPECT_EQ(again.fetched_bytes, 0);
  EXPECT_EQ(hub_.num_file_requests(), 0U);
}

TEST_P(FetchModel, TakesWhatIsInTheCacheWithoutAskingWhenToldTo) {
  const std::string folder = fetch().folder;
  hub_.forget();
  options_.prefer_cache = true;
  EXPECT_EQ(fetch().folder, folder);
  EXPECT_TRUE(hub_.seen().empty());
}

TEST_P(FetchModel, FetchesOnlyWhatChangedOrIsGone) {
  const std::string folder = fetch().folder;
  fs::remove(fs::canonical(folder + "/tokenizer.json"));
  hub_.forget();
  const FetchedModel again = fetch();
  expect_whole(again.folder);
  EXPECT_EQ(again.fetched_bytes, static_cast<int64_t>(hub_.file("tokenizer.json").size()));
}

TEST_P(FetchModel, PlansWithoutChangingAnything) {
  const FetchPlan plan = plan_model(request_, options_);
  EXPECT_EQ(plan.files.size(), 4U);
  EXPECT_EQ(plan.total_bytes(), hub_.wanted_bytes());
  EXPECT_EQ(plan.missing_bytes(), hub_.wanted_bytes());
  EXPECT_FALSE(fs::exists(home_.path() + "/.cache"));
  EXPECT_EQ(hub_.num_file_requests(), 0U);
  fetch();
  EXPECT_EQ(plan_model(request_, options_).missing_bytes(), 0);
}

TEST_P(FetchModel, PutsEverythingUnderTheDownloadFolder) {
  const TempDir elsewhere;
  request_.download_dir = elsewhere.path() + "/deep/er";
  const FetchedModel model = fetch();
  EXPECT_EQ(model.folder.rfind(elsewhere.path(), 0), 0U) << model.folder;
  expect_whole(model.folder);
  EXPECT_FALSE(fs::exists(home_.path() + "/.cache"));
}

TEST_P(FetchModel, NamesARevisionThatIsNotThere) {
  request_.revision = "v9";
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
  EXPECT_EQ(error.param(), "revision");
  EXPECT_THAT(error.what(), HasSubstr("revision \"v9\""));
}

TEST_P(FetchModel, NamesAModelThatIsNotThere) {
  request_.sources = {{GetParam(), "deepseek-ai/none", "", ""}};
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("deepseek-ai/none"), HasSubstr("does not exist")));
}

TEST_P(FetchModel, RefusesRevisionsAndIdsThatAreNone) {
  for (const char* revision : {"../../etc", "a b", "/x", "x/../y"}) {
    request_.revision = revision;
    EXPECT_THAT(refusal().what(), HasSubstr("allowed: a branch, tag or commit")) << revision;
  }
  request_.revision = "";
  request_.sources = {{GetParam(), "../..", "", ""}};
  EXPECT_THAT(refusal().what(), HasSubstr("allowed: OWNER/NAME"));
  EXPECT_TRUE(hub_.seen().empty());
}

TEST_P(FetchModel, RefusesListsThatWouldLeaveTheFolder) {
  for (const char* path : {"../../.ssh/authorized_keys", "/etc/passwd", "a/../../b", "a//b", "a\\b.json", "./x", "x/."}) {
    hub_.set_file(path, "x");
    const Error error = refusal();
    EXPECT_EQ(error.code(), ErrorCode::kModelLoad) << path;
    EXPECT_THAT(error.what(), HasSubstr("could leave its folder; nothing is fetched")) << path;
    hub_.remove_file(path);
  }
  EXPECT_EQ(hub_.num_file_requests(), 0U);
}

TEST_P(FetchModel, SaysWhatARepositoryWithoutACheckpointLacks) {
  hub_.remove_file("tokenizer.json");
  hub_.remove_file("model-00001-of-000001.safetensors");
  EXPECT_THAT(refusal().what(), HasSubstr("has no tokenizer.json (or tokenizer.model), *.safetensors: it is no checkpoint"));
}

TEST_P(FetchModel, ChecksTheSpaceBeforeItFetches) {
  options_.free_bytes = [](const std::string&) { return int64_t{1000}; };
  const Error error = refusal();
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("are to be fetched, but only 1000 bytes are free there"), HasSubstr("--download-dir")));
  EXPECT_EQ(hub_.num_file_requests(), 0U);
}

TEST_P(FetchModel, OfflineTakesTheCacheOrSaysWhatHelps) {
  variables_["HF_HUB_OFFLINE"] = "1";
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("the model is not in the cache, and HF_HUB_OFFLINE"),
                    HasSubstr("spyhop download --model-name deepseek-vl2 --size-in-billions 3 --model-src " + GetParam()),
                    HasSubstr(is_huggingface() ? "hf download deepseek-ai/deepseek-vl2-tiny\n"
                                               : "modelscope download --model deepseek-ai/deepseek-vl2-tiny\n"),
                    HasSubstr(is_huggingface() ? huggingface_folder() : modelscope_folder()), HasSubstr("--model-path")));
  EXPECT_TRUE(hub_.seen().empty());
  variables_.erase("HF_HUB_OFFLINE");
  const std::string folder = fetch().folder;
  variables_["HF_HUB_OFFLINE"] = "TRUE";
  hub_.forget();
  EXPECT_EQ(fetch().folder, folder);
  EXPECT_TRUE(hub_.seen().empty());
}

TEST_P(FetchModel, WithoutANetworkTakesTheCacheOrSaysWhatHelps) {
  const std::string folder = fetch().folder;
  variables_[is_huggingface() ? "HF_ENDPOINT" : "MODELSCOPE_ENDPOINT"] = "http://127.0.0.1:1";
  EXPECT_EQ(fetch().folder, folder);
  EXPECT_THAT(notes_, HasSubstr("no hub answers; what the cache has is taken: " + folder));
  fs::remove_all(home_.path() + "/.cache");
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("'http://127.0.0.1:1' cannot be reached"), HasSubstr("What helps:")));
}

TEST_P(FetchModel, AnUnfinishedSnapshotIsNotTakenForWhole) {
  const std::string folder = fetch().folder;
  fs::remove(folder + "/model-00001-of-000001.safetensors");
  variables_["HF_HUB_OFFLINE"] = "1";
  EXPECT_EQ(refusal().code(), ErrorCode::kUnavailable);
}

TEST_P(FetchModel, SendsTheTokenToTheHubAlone) {
  variables_["HF_TOKEN"] = FakeHub::kToken;
  variables_["MODELSCOPE_API_TOKEN"] = FakeHub::kToken;
  hub_.set_trouble([&](Trouble& trouble) { trouble.redirects = true; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.gate = 401; });
  expect_whole(fetch().folder);
  int num_elsewhere = 0;
  for (const FakeHub::Seen& each : hub_.seen()) {
    const bool has_token = each.request.header("authorization").find(FakeHub::kToken) != std::string::npos ||
                           each.request.header("cookie").find(FakeHub::kToken) != std::string::npos;
    EXPECT_EQ(has_token, each.server == "hub") << each.request.target;
    num_elsewhere += each.server == "cdn" ? 1 : 0;
  }
  EXPECT_GT(num_elsewhere, 3);
}

TEST_P(FetchModel, SaysHowToGetAccessToAGuardedModel) {
  for (const int status : {401, 403}) {
    hub_.set_trouble([&](Trouble& trouble) { trouble.gate = status; });
    const Error error = refusal();
    EXPECT_EQ(error.code(), ErrorCode::kUnauthorized);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("status " + std::to_string(status)), HasSubstr("the model is guarded"),
                                    HasSubstr(is_huggingface() ? "HF_TOKEN" : "MODELSCOPE_API_TOKEN")));
  }
}

INSTANTIATE_TEST_SUITE_P(Hubs, FetchModel, ::testing::Values("huggingface", "modelscope"),
                         [](const auto& hub) { return hub.param; });

/// Which hub.
class ChooseHub : public HubTest {};

TEST_F(ChooseHub, AutoTakesTheFirstThatAnswers) {
  request_.model_src = "auto";
  EXPECT_EQ(fetch().hub, "huggingface");
  fs::remove_all(home_.path() + "/.cache");
  variables_["HF_ENDPOINT"] = "http://127.0.0.1:1";
  EXPECT_EQ(fetch().hub, "modelscope");
  EXPECT_THAT(notes_, HasSubstr("Hugging Face (http://127.0.0.1:1) does not answer"));
}

TEST_F(ChooseHub, AutoTakesTheCacheThatHasTheModel) {
  request_.model_src = "modelscope";
  const std::string folder = fetch().folder;
  request_.model_src = "auto";
  options_.prefer_cache = true;
  EXPECT_EQ(fetch().folder, folder);
}

TEST_F(ChooseHub, AutoWithoutANetworkNamesBothCaches) {
  request_.model_src = "auto";
  variables_["HF_ENDPOINT"] = "http://127.0.0.1:1";
  variables_["MODELSCOPE_ENDPOINT"] = "http://127.0.0.1:1";
  EXPECT_THAT(refusal().what(),
              AllOf(HasSubstr("no hub answers"), HasSubstr(huggingface_folder()), HasSubstr(modelscope_folder())));
}

TEST_F(ChooseHub, AnUnknownHubIsToldTheNearest) {
  request_.model_src = "hugingface";
  const Error error = refusal();
  EXPECT_EQ(error.param(), "model-src");
  EXPECT_STREQ(
      error.what(),
      "no hub of this model is named \"hugingface\"; allowed: huggingface, modelscope, auto; the nearest is huggingface");
}

TEST_F(ChooseHub, ThePinOfAnEntryHoldsUnlessAnotherRevisionIsAskedFor) {
  request_.sources[0].revision = "v1.0";
  fetch();
  EXPECT_EQ(content_of(huggingface_folder() + "/refs/v1.0"), kCommit);
  EXPECT_FALSE(fs::exists(huggingface_folder() + "/refs/main"));
  request_.revision = kCommit;
  EXPECT_EQ(fetch().revision, kCommit);
}

TEST_F(ChooseHub, RefusesEndpointsAndTokensThatAreNone) {
  variables_["HF_ENDPOINT"] = "huggingface.co";
  EXPECT_THAT(refusal().what(), HasSubstr("HF_ENDPOINT = \"huggingface.co\" is no address of a hub"));
  variables_["HF_ENDPOINT"] = hub_.url();
  variables_["HF_TOKEN"] = "a\r\nHost: b";
  EXPECT_THAT(refusal().what(), HasSubstr("HF_TOKEN holds no token"));
}

/// What the tools of the hubs make of the caches, and vice versa.
class CacheLayout : public HubTest {};

TEST_F(CacheLayout, OfHuggingFaceIsBlobsLinksAndRefs) {
  const std::string folder = fetch().folder;
  EXPECT_EQ(folder, huggingface_folder() + "/snapshots/" + kCommit);
  EXPECT_EQ(content_of(huggingface_folder() + "/refs/main"), kCommit);
  const std::string weights = "model-00001-of-000001.safetensors";
  EXPECT_EQ(fs::read_symlink(folder + "/" + weights), "../../blobs/" + sha256_hex(hub_.file(weights)));
  EXPECT_EQ(fs::read_symlink(folder + "/config.json"), "../../blobs/" + git_digest(hub_.file("config.json")));
  EXPECT_FALSE(fs::exists(huggingface_folder() + "/.spyhop"));
}

TEST_F(CacheLayout, OfHuggingFaceToolsIsTaken) {
  const std::string blobs = huggingface_folder() + "/blobs/";
  const std::string snapshot = huggingface_folder() + "/snapshots/" + kCommit + "/";
  fs::create_directories(blobs);
  fs::create_directories(snapshot);
  fs::create_directories(huggingface_folder() + "/refs");
  for (const auto& [path, content] : hub_.files()) {
    if (!FakeHub::is_wanted(path)) continue;
    const bool is_large = path.find("of-000001.safetensors") != std::string::npos;
    const std::string blob = is_large ? sha256_hex(content) : git_digest(content);
    std::ofstream(blobs + blob, std::ios::binary) << content;
    fs::create_symlink("../../blobs/" + blob, snapshot + path);
  }
  std::ofstream(huggingface_folder() + "/refs/main") << kCommit;
  EXPECT_EQ(fetch().fetched_bytes, 0);
  variables_["HF_HUB_OFFLINE"] = "1";
  expect_whole(fetch().folder);
}

TEST_F(CacheLayout, BlobsOfAnotherRevisionAreLinked) {
  fetch();
  fs::remove_all(huggingface_folder() + "/snapshots");
  EXPECT_EQ(fetch().fetched_bytes, 0);
  expect_whole(huggingface_folder() + "/snapshots/" + kCommit);
}

TEST_F(CacheLayout, VariablesOfHuggingFaceMoveIt) {
  variables_["HF_HOME"] = "~/models";
  EXPECT_EQ(fetch().folder.rfind(home_.path() + "/models/hub/models--", 0), 0U);
  variables_["HF_HUB_CACHE"] = home_.path() + "/blobs";
  EXPECT_EQ(fetch().folder.rfind(home_.path() + "/blobs/models--", 0), 0U);
}

TEST_F(CacheLayout, TheTokenFilesOfTheToolsAreRead) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.gate = 401; });
  fs::create_directories(home_.path() + "/.cache/huggingface");
  fs::create_directories(home_.path() + "/.modelscope");
  home_.write(".cache/huggingface/token", std::string(FakeHub::kToken) + "\n");
  home_.write(".modelscope/token", FakeHub::kToken);
  expect_whole(fetch().folder);
  request_.model_src = "modelscope";
  expect_whole(fetch().folder);
}

TEST_F(CacheLayout, OfModelScopeIsAFolderPerRevision) {
  request_.model_src = "modelscope";
  EXPECT_EQ(fetch().folder, modelscope_folder() + "/snapshots/master");
  // What the tools before 2026 look for: a folder with an index.
  const std::string old = home_.path() + "/.cache/modelscope/hub/models/deepseek-ai/deepseek-vl2-tiny";
  EXPECT_TRUE(fs::is_symlink(old));
  expect_whole(old);
  EXPECT_THAT(content_of(old + "/.msc"), HasSubstr("VPath\nVconfig.json\nsVRevision\nV" + kCommit + "\n"));
}

TEST_F(CacheLayout, OfOlderModelScopeToolsIsTaken) {
  request_.model_src = "modelscope";
  const std::string old = home_.path() + "/.cache/modelscope/hub/deepseek-ai/deepseek-vl2-tiny/";
  fs::create_directories(old);
  for (const auto& [path, content] : hub_.files()) {
    if (FakeHub::is_wanted(path)) std::ofstream(old + path, std::ios::binary) << content;
  }
  EXPECT_EQ(fetch().folder + "/", old);
  // One file that is not the hub's: the others are linked into a snapshot of its own.
  std::ofstream(old + "config.json") << "{}";
  const FetchedModel model = fetch();
  EXPECT_EQ(model.folder, modelscope_folder() + "/snapshots/master");
  EXPECT_EQ(model.fetched_bytes, static_cast<int64_t>(hub_.file("config.json").size()));
  expect_whole(model.folder);
}

TEST_F(CacheLayout, OfModelScopeIsReadByContentSinceARevisionMovesOn) {
  request_.model_src = "modelscope";
  const std::string folder = fetch().folder;
  hub_.set_file("config.json", R"({"model_type":"deepseek_vl_v3"})");  // of the same size
  expect_whole(fetch().folder);
  EXPECT_EQ(fetch().fetched_bytes, 0);
}

TEST_F(CacheLayout, NamesWithDotsAreEscapedForOlderModelScopeTools) {
  const auto cache = make_hub("modelscope", options_.environment, "")->cache("owner/name-v1.5");
  const std::string old = home_.path() + "/.cache/modelscope/hub/models/owner/name-v1___5";
  fs::create_directories(old);
  for (const char* name : {"config.json", "tokenizer.model", "model.safetensors"}) std::ofstream(old + "/" + name) << "x";
  EXPECT_EQ(cache->find("master"), old);
  EXPECT_EQ(cache->find("v2"), std::nullopt);
}

}  // namespace
}  // namespace spyhop::testing
