#include "hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "spyhop/error.h"

namespace spyhop {

FileLock::FileLock(const std::string& path, const std::function<void()>& on_wait) {
  constexpr std::chrono::milliseconds kPause{100};
  constexpr mode_t kWritableByAll = 0666;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kWritableByAll);
  if (file_ < 0) throw Error(ErrorCode::kModelLoad, path + ": cannot be opened: " + std::strerror(errno));
  try {
    while (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) throw Error(ErrorCode::kModelLoad, path + ": cannot be locked: " + std::strerror(errno));
      on_wait();
      std::this_thread::sleep_for(kPause);
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

FileLock::~FileLock() {
  ::close(file_);
}

bool is_locked(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  const bool is_held = ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(file);
  return is_held;
}

}  // namespace spyhop
