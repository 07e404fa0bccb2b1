// What somebody sees of a download: bars on a terminal, lines in a log.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hub/downloader.h"

namespace spyhop {

/// Thread safety: one thread at a time.
class DownloadView {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `write` takes, on a terminal, text with control sequences that redraws the bars; else one line without its end.
  DownloadView(bool is_terminal, std::function<void(const std::string& text)> write);

  /// A terminal is redrawn five times a second at most; a log gets a line for every file that is whole, and one in ten seconds.
  void show(const DownloadProgress& progress, Time now);

 private:
  void draw(const DownloadProgress& progress);
  void log(const DownloadProgress& progress, Time now);
  void measure(const DownloadProgress& progress, Time now);
  std::string pace(const DownloadProgress& progress) const;

  const bool is_terminal_;
  const std::function<void(const std::string& text)> write_;
  std::deque<std::pair<Time, int64_t>> samples_;  // of the bytes fetched, for the last seconds
  double bytes_per_second_ = 0;
  std::vector<bool> told_;  // by file, in a log
  Time last_shown_{};
  bool is_begun_ = false;
  bool is_ended_ = false;
  size_t num_lines_ = 0;  // on the terminal
};

}  // namespace spyhop
