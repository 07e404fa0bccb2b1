// A download whose process is killed, again and again, while it runs.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "hub_fixture.h"

namespace spyhop::testing {
namespace {

namespace fs = std::filesystem;

/// Names what the other process needs: the hub's address and the home folder.
constexpr const char* kHubVariable = "SPYHOP_TEST_KILLED_HUB";
constexpr const char* kHomeVariable = "SPYHOP_TEST_KILLED_HOME";

class Killed : public HubTest {
 protected:
  static constexpr int kNumWorkers = 2;
  static constexpr int64_t kChunk = 65536;

  Killed() {
    options_.download.chunk_bytes = kChunk;
    options_.download.num_workers = kNumWorkers;
  }
};

/// Runs in the process that is killed; has nothing to do in this one.
TEST_F(Killed, OtherProcess) {
  const char* hub = std::getenv(kHubVariable);
  if (hub == nullptr) return;
  variables_["HF_ENDPOINT"] = hub;
  variables_["HOME"] = std::getenv(kHomeVariable);
  fetch();
}

/// Starts this program for the test above.
pid_t start_process(const std::string& hub, const std::string& home) {
  std::vector<std::string> variables{std::string(kHubVariable) + "=" + hub, std::string(kHomeVariable) + "=" + home};
  for (char** each = environ; *each != nullptr; ++each) {
    if (std::string(*each).rfind("GTEST_", 0) != 0) variables.emplace_back(*each);
  }
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string program = "hub_test";
  std::string filter = "--gtest_filter=Killed.OtherProcess";
  char* arguments[] = {program.data(), filter.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int error = posix_spawn(&process, "/proc/self/exe", &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + program);
  return process;
}

TEST_F(Killed, LeavesAllThatItHadFetchedForTheNext) {
  hub_.set_trouble(
      [&](Trouble& trouble) { trouble.pause_per_piece = std::chrono::microseconds(1500); });  // keeps buffers on the way empty
  std::mt19937 random(7);
  int num_killed = 0;
  for (bool is_done = false; !is_done;) {
    ASSERT_LT(num_killed, 60);
    const int64_t sent_before = hub_.num_sent();
    const int64_t wanted = sent_before + std::uniform_int_distribution<int64_t>(1, 300'000)(random);
    const pid_t process = start_process(hub_.url(), home_.path());
    int status = 0;
    while (!is_done && hub_.num_sent() < wanted) {
      is_done = waitpid(process, &status, WNOHANG) == process;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (is_done) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      break;
    }
    kill(process, SIGKILL);
    waitpid(process, &status, 0);
    is_done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    num_killed += is_done ? 0 : 1;
  }
  EXPECT_GE(num_killed, 2);
  expect_whole(huggingface_folder() + "/snapshots/" + kCommit);
  // Each kill loses at most what was on its way to each worker.
  EXPECT_LE(hub_.num_sent(), hub_.wanted_bytes() + num_killed * kNumWorkers * kChunk);
  EXPECT_FALSE(fs::exists(huggingface_folder() + "/.spyhop"));
}

}  // namespace
}  // namespace spyhop::testing
