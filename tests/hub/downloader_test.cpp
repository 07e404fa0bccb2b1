#include "hub/downloader.h"

#include <sys/resource.h>

#include <filesystem>
#include <thread>

#include "hub_fixture.h"

namespace spyhop::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Download : public HubTest {
 protected:
  const std::string weights_ = "model-00001-of-000001.safetensors";
};

TEST_F(Download, GoesOnAfterConnectionsThatBreakOffEverySoManyBytes) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.drop_after = 30'000; });
  expect_whole(fetch().folder);
  EXPECT_EQ(hub_.num_sent(), hub_.wanted_bytes()) << "no byte was sent twice";
}

TEST_F(Download, FollowsRedirectsAndAsksTheHubOncePerFileAtMostPerWorker) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.redirects = true; });
  expect_whole(fetch().folder);
  size_t num_asked = 0;
  for (const FakeHub::Seen& each : hub_.seen()) {
    num_asked += each.server == "hub" && each.request.target.find("/resolve/") != std::string::npos ? 1 : 0;
  }
  EXPECT_LE(num_asked, 3 + 1 + 1 + 3U) << "ten chunks of weights, two small files, a tokenizer";
}

TEST_F(Download, AsksTheHubAgainWhenTheOtherHostsAddressIsNoLongerValid) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.redirects = true; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.expires_every = 4; });
  expect_whole(fetch().folder);
}

TEST_F(Download, GivesUpWhenTheOtherHostNeverAgrees) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.redirects = true; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.expires_every = 1; });
  EXPECT_THAT(refusal().what(), AllOf(HasSubstr("given up after 6 attempts"), HasSubstr("status 403")));
}

TEST_F(Download, WaitsAndTriesAgainWhenTheServerIsBusy) {
  for (const int status : {500, 502, 503, 429, 408}) {
    fs::remove_all(home_.path() + "/.cache");
    hub_.set_trouble([&](Trouble& trouble) { trouble.num_errors = 4; });
    hub_.set_trouble([&](Trouble& trouble) { trouble.error_status = status; });
    expect_whole(fetch().folder);
  }
}

TEST_F(Download, GivesUpAfterSoManyAttemptsAndSaysThatNothingIsLost) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_errors = 1000; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.error_status = 503; });
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("given up after 6 attempts"), HasSubstr("status 503"), HasSubstr("goes on from there")));
}

TEST_F(Download, DoesNotTryAgainWhatWillNotChange) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_errors = 1000; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.error_status = 410; });
  hub_.set_trouble([&](Trouble& trouble) { trouble.error_headers = "X-Error-Message: taken down\r\n"; });
  EXPECT_THAT(refusal().what(), HasSubstr("answers with status 410 \"taken down\""));
  EXPECT_LE(hub_.num_file_requests(), 3U);
}

TEST_F(Download, FetchesAFileWithTheWrongContentOnceMore) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_wrong = 1; });
  const FetchedModel model = fetch();
  expect_whole(model.folder);
  EXPECT_GT(model.fetched_bytes, hub_.wanted_bytes());
}

TEST_F(Download, RefusesAFileWithTheWrongContentTwice) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_wrong = 1000; });
  const Error error = refusal();
  EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
  EXPECT_THAT(error.what(), HasSubstr("is not what the hub's list says: its digest is not"));
  EXPECT_TRUE(fs::is_empty(huggingface_folder() + "/blobs"));
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_wrong = 0; });
  expect_whole(fetch().folder);
}

TEST_F(Download, RefusesAFileOfAnotherSize) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.lists_wrong_size = true; });
  EXPECT_THAT(refusal().what(), HasSubstr("config.json: the server sends 31 bytes, the hub's list says 32"));
}

TEST_F(Download, TakesWholeFilesFromServersWithoutRanges) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.sends_no_ranges = true; });
  expect_whole(fetch().folder);
}

TEST_F(Download, TakesWholeFilesWhereRangesAreRefused) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.refuses_ranges = true; });
  expect_whole(fetch().folder);
}

TEST_F(Download, LeavesAConnectionThatStalls) {
  options_.download.limits.stall_seconds = 1;
  hub_.set_trouble([&](Trouble& trouble) { trouble.num_stalls = 2; });
  expect_whole(fetch().folder);
}

TEST_F(Download, TakesEmptyFiles) {
  hub_.set_file("empty.json", "");
  expect_whole(fetch().folder);
}

TEST_F(Download, FetchesEqualContentsOnce) {
  hub_.set_file("also_tokenizer.json", hub_.file("tokenizer.json"));
  const FetchedModel model = fetch();
  expect_whole(model.folder);
  EXPECT_EQ(model.fetched_bytes, hub_.wanted_bytes() - static_cast<int64_t>(hub_.file("tokenizer.json").size()));
  request_.model_src = "modelscope";
  expect_whole(fetch().folder);
}

TEST_F(Download, TellsItsProgress) {
  DownloadProgress last;
  options_.download.on_progress = [&](const DownloadProgress& progress) {
    EXPECT_GE(progress.done_bytes, last.done_bytes);
    last = progress;
    return true;
  };
  fetch();
  EXPECT_EQ(last.files.size(), 4U);
  EXPECT_EQ(last.done_bytes, hub_.wanted_bytes());
  EXPECT_EQ(last.total_bytes, hub_.wanted_bytes());
  for (const FileProgress& file : last.files) EXPECT_TRUE(file.is_placed) << file.name;
}

TEST_F(Download, CanBeCancelledAndGoesOnLater) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.pause_per_piece = std::chrono::milliseconds(20); });
  int64_t had = 0;
  options_.download.on_progress = [&](const DownloadProgress& progress) {
    had = progress.done_bytes;
    return progress.done_bytes < 200'000;
  };
  EXPECT_EQ(refusal().code(), ErrorCode::kCancelled);
  EXPECT_GE(had, 200'000);
  options_.download.on_progress = nullptr;
  hub_.set_trouble([&](Trouble& trouble) { trouble.pause_per_piece = std::chrono::milliseconds(0); });
  const FetchedModel model = fetch();
  expect_whole(model.folder);
  EXPECT_LE(model.fetched_bytes, hub_.wanted_bytes() - had);
}

TEST_F(Download, SharesOneDownloadBetweenThoseThatWantTheSameModel) {
  hub_.set_trouble([&](Trouble& trouble) { trouble.pause_per_piece = std::chrono::milliseconds(2); });
  FetchOptions quiet = options_;
  quiet.on_note = nullptr;
  int64_t fetched[3] = {};
  std::vector<std::thread> threads;
  for (int64_t& bytes : fetched) threads.emplace_back([&] { bytes = fetch_model(request_, quiet).fetched_bytes; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(fetched[0] + fetched[1] + fetched[2], hub_.wanted_bytes());
  EXPECT_EQ(hub_.num_sent(), hub_.wanted_bytes());
  expect_whole(huggingface_folder() + "/snapshots/" + kCommit);
}

TEST_F(Download, SaysThatTheDiskIsFullAndGoesOnOnceThereIsRoom) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{400'000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Error error = refusal();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(error.code(), ErrorCode::kModelLoad);
  EXPECT_THAT(error.what(), HasSubstr("no room for 1000000 bytes: File too large"));
  expect_whole(fetch().folder);
}

TEST_F(Download, ForgetsAPartialFileThatIsNotOfThisContent) {
  const std::string partial = huggingface_folder() + "/.spyhop/" + sha256_hex(hub_.file(weights_));
  fs::create_directories(huggingface_folder() + "/.spyhop");
  for (const std::string& map : {std::string("x"), std::string(4096, '\xff'), std::string()}) {
    std::ofstream(partial) << "something else";
    std::ofstream(partial + ".map") << map;
    expect_whole(fetch().folder);
    fs::remove_all(huggingface_folder() + "/blobs");
  }
}

}  // namespace
}  // namespace spyhop::testing
