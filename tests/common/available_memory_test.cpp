#include "common/available_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace spyhop {
namespace {

namespace fs = std::filesystem;

/// /proc and /sys of a made-up machine.
class AvailableMemory : public ::testing::Test {
 protected:
  AvailableMemory() : root_(fs::temp_directory_path() / ("spyhop_memory_" + std::to_string(::getpid()))) {}
  ~AvailableMemory() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_.string() + path).substr(0, (root_.string() + path).find_last_of('/')));
    std::ofstream(root_.string() + path) << text;
  }
  void write_machine() const {
    write("/proc/meminfo", "MemTotal:       16000 kB\nMemFree:          100 kB\nMemAvailable:    8000 kB\n");
  }
  int64_t bytes() const { return available_memory_bytes(root_.string()); }

  fs::path root_;
};

constexpr int64_t kMachine = int64_t{8000} * 1024;

TEST_F(AvailableMemory, IsUnknownWithoutTheKernelsFiles) {
  EXPECT_EQ(bytes(), 0);
}

TEST_F(AvailableMemory, IsTheMachinesWithoutControlGroups) {
  write_machine();
  EXPECT_EQ(bytes(), kMachine);
}

TEST_F(AvailableMemory, IsWhatAGroupOfVersion2Leaves) {
  write_machine();
  write("/proc/self/cgroup", "0::/system.slice/spyhop.service\n");
  const std::string group = "/sys/fs/cgroup/system.slice/spyhop.service/";
  write(group + "memory.max", "max\n");
  write(group + "memory.current", "3000000\n");
  EXPECT_EQ(bytes(), kMachine);
  write(group + "memory.max", "5000000\n");
  EXPECT_EQ(bytes(), 2000000);
  write(group + "memory.stat", "anon 1500000\nfile 1500000\nactive_file 400000\ninactive_file 1000000\n");
  EXPECT_EQ(bytes(), 3400000) << "file contents can be dropped";
  write(group + "memory.current", "6000000\n");
  write(group + "memory.stat", "");
  EXPECT_EQ(bytes(), 0) << "over its limit";
}

TEST_F(AvailableMemory, IsWhatTheNarrowestGroupAboveLeaves) {
  write_machine();
  write("/proc/self/cgroup", "0::/pod/container\n");
  write("/sys/fs/cgroup/pod/container/memory.max", "7000000");
  write("/sys/fs/cgroup/pod/container/memory.current", "0");
  write("/sys/fs/cgroup/pod/memory.max", "6000000");
  write("/sys/fs/cgroup/pod/memory.current", "5000000");
  EXPECT_EQ(bytes(), 1000000);
}

TEST_F(AvailableMemory, IsWhatAContainerWithItsOwnMountMay) {
  write_machine();
  write("/proc/self/cgroup", "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000");
  write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1500000");
  write("/sys/fs/cgroup/memory/memory.stat", "cache 700000\ntotal_active_file 200000\ntotal_inactive_file 300000\n");
  EXPECT_EQ(bytes(), 3000000);
}

TEST_F(AvailableMemory, IsTheMachinesWhereAGroupOfVersion1HasNoLimit) {
  write_machine();
  write("/proc/self/cgroup", "4:hugetlb,memory:/\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1500000");
  EXPECT_EQ(bytes(), kMachine);
}

TEST_F(AvailableMemory, TakesGarbageForNothing) {
  write("/proc/meminfo", "MemAvailable: lots\n");
  write("/proc/self/cgroup", "nonsense\n::\n0::\n0::relative\n");
  EXPECT_EQ(bytes(), 0);
}

TEST(AvailableMemoryOfThisMachine, IsSomething) {
  EXPECT_GT(available_memory_bytes(), 0);
}

}  // namespace
}  // namespace spyhop
