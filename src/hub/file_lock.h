// A lock between processes, over a file.
#pragma once

#include <functional>
#include <string>

namespace spyhop {

/// Held until destruction, or until the process ends, however it does.
class FileLock {
 public:
  /// Creates the file, with its folders, and waits for the lock; `on_wait` is called several times a second while another
  /// process (or thread) has it, and may throw. Throws Error{kModelLoad} when the file cannot be made.
  FileLock(const std::string& path, const std::function<void()>& on_wait);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_ = -1;
};

/// Whether somebody holds a lock over the file; false when there is none or it may not be opened.
bool is_locked(const std::string& path);

}  // namespace spyhop
