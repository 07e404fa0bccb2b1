#include "common/available_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace spyhop {
namespace {

/// The names of one version's files.
struct GroupFiles {
  const char* limit;
  const char* usage;
  std::vector<std::string> cached;  // keys of memory.stat: file contents that can be dropped
};

const GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", {"total_active_file", "total_inactive_file"}};
const GroupFiles kVersion2{"memory.max", "memory.current", {"active_file", "inactive_file"}};

/// The first number of a file; nothing when there is no file or no number in it, such as "max".
std::optional<int64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind `key` in lines of "key number" or "key: number kB".
std::optional<int64_t> number_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    int64_t number = 0;
    if (words >> name >> number && name == key) return number;
  }
  return std::nullopt;
}

std::optional<int64_t> room_in_group(const std::string& folder, const GroupFiles& files) {
  const std::optional<int64_t> limit = number_in(folder + "/" + files.limit);
  const std::optional<int64_t> usage = number_in(folder + "/" + files.usage);
  if (!limit || !usage) return std::nullopt;
  int64_t used = *usage;
  for (const std::string& key : files.cached) used -= number_of(folder + "/memory.stat", key).value_or(0);
  return std::max<int64_t>(0, *limit - std::max<int64_t>(0, used));
}

/// Of the group `path` below `mount` and those above it, the one with the least room. Inside a container the path may be the
/// host's, and only the mount itself be there.
std::optional<int64_t> room_in_groups(const std::string& mount, std::string path, const GroupFiles& files) {
  std::optional<int64_t> least;
  for (;;) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    const std::optional<int64_t> room = room_in_group(mount + path, files);
    if (room) least = least ? std::min(*least, *room) : *room;
    if (path.empty()) return least;
    path.resize(path.find_last_of('/') + 1);
  }
}

/// Lines are "hierarchy:controllers:path"; version 2 has no controllers.
std::optional<int64_t> room_in_own_groups(const std::string& root) {
  std::optional<int64_t> least;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos || line[second + 1] != '/') continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    std::optional<int64_t> room;
    if (controllers == ",,") room = room_in_groups(root + "/sys/fs/cgroup", path, kVersion2);
    if (controllers.find(",memory,") != std::string::npos)
      room = room_in_groups(root + "/sys/fs/cgroup/memory", path, kVersion1);
    if (room) least = least ? std::min(*least, *room) : *room;
  }
  return least;
}

}  // namespace

int64_t available_memory_bytes(const std::string& root) {
  const std::optional<int64_t> machine_kib = number_of(root + "/proc/meminfo", "MemAvailable:");
  const std::optional<int64_t> group = room_in_own_groups(root);
  const int64_t machine = machine_kib.value_or(0) * 1024;
  if (!group) return machine;
  return machine == 0 ? *group : std::min(machine, *group);
}

}  // namespace spyhop
