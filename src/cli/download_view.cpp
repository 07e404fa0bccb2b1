#include "cli/download_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/byte_size.h"

namespace spyhop {
namespace {

constexpr std::chrono::seconds kWindow{5};         // over which the speed is measured
constexpr std::chrono::milliseconds kRedraw{200};  // at most so often
constexpr std::chrono::seconds kLogInterval{10};
constexpr size_t kMaxBars = 8;
constexpr size_t kNameWidth = 36;
constexpr int kBarWidth = 24;

int percent_of(int64_t done, int64_t total) {
  return total == 0 ? 100 : static_cast<int>(static_cast<double>(done) * 100 / static_cast<double>(total));
}

std::string bar(const std::string& name, int64_t done, int64_t total) {
  const std::string shown = name.size() <= kNameWidth ? name : "..." + name.substr(name.size() - kNameWidth + 3);
  const int percent = percent_of(done, total);
  return fmt::format("{:<{}} {:>3} % [{:<{}}] {} of {}", shown, kNameWidth, percent,
                     std::string(static_cast<size_t>(percent * kBarWidth / 100), '#'), kBarWidth, byte_size_text(done),
                     byte_size_text(total));
}

}  // namespace

DownloadView::DownloadView(bool is_terminal, std::function<void(const std::string& text)> write)
    : is_terminal_(is_terminal), write_(std::move(write)) {}

void DownloadView::show(const DownloadProgress& progress, Time now) {
  const bool is_end =
      progress.done_bytes == progress.total_bytes &&
      std::all_of(progress.files.begin(), progress.files.end(), [](const auto& file) { return file.is_placed; });
  if (is_ended_ || progress.files.empty()) return;
  measure(progress, now);
  is_ended_ = is_end;
  if (!is_terminal_) return log(progress, now);
  if (is_begun_ && !is_end && now - last_shown_ < kRedraw) return;
  is_begun_ = true;
  last_shown_ = now;
  draw(progress);
}

void DownloadView::measure(const DownloadProgress& progress, Time now) {
  samples_.emplace_back(now, progress.fetched_bytes);
  while (samples_.size() > 2 && now - samples_.front().first > kWindow) samples_.pop_front();
  const std::chrono::duration<double> time = now - samples_.front().first;
  if (time.count() > 0) {
    bytes_per_second_ = static_cast<double>(progress.fetched_bytes - samples_.front().second) / time.count();
  }
}

/// "  85.2 MiB/s  0:43 left"
std::string DownloadView::pace(const DownloadProgress& progress) const {
  if (bytes_per_second_ < 1) return "";
  std::string text = "  " + byte_size_text(static_cast<int64_t>(bytes_per_second_)) + "/s";
  const auto seconds =
      static_cast<int64_t>(static_cast<double>(progress.total_bytes - progress.done_bytes) / bytes_per_second_);
  constexpr int64_t kHour = 3600;
  if (seconds >= kHour) return text + fmt::format("  {}:{:02}:{:02} left", seconds / kHour, seconds % kHour / 60, seconds % 60);
  return text + fmt::format("  {}:{:02} left", seconds / 60, seconds % 60);
}

void DownloadView::draw(const DownloadProgress& progress) {
  std::vector<std::string> lines;
  for (const FileProgress& file : progress.files) {
    const bool is_on_its_way = !file.is_placed && file.done_bytes > 0;
    if (is_on_its_way && lines.size() < kMaxBars) lines.push_back(bar(file.name, file.done_bytes, file.total_bytes));
  }
  lines.push_back(bar("all", progress.done_bytes, progress.total_bytes) + (is_ended_ ? "" : pace(progress)));
  std::string text = num_lines_ == 0 ? "" : fmt::format("\033[{}A\033[J", num_lines_);
  for (const std::string& line : lines) text += line + "\n";
  num_lines_ = lines.size();
  write_(text);
}

void DownloadView::log(const DownloadProgress& progress, Time now) {
  told_.resize(progress.files.size());
  for (size_t i = 0; i < progress.files.size(); ++i) {
    const FileProgress& file = progress.files[i];
    if (!file.is_placed || told_[i]) continue;
    told_[i] = true;
    write_(fmt::format("event=downloaded file={} bytes={}", file.name, file.total_bytes));
  }
  if (is_begun_ && !is_ended_ && now - last_shown_ < kLogInterval) return;
  is_begun_ = true;
  last_shown_ = now;
  write_(fmt::format("event=downloading percent={} bytes={} total_bytes={} bytes_per_second={:.0f}",
                     percent_of(progress.done_bytes, progress.total_bytes), progress.done_bytes, progress.total_bytes,
                     bytes_per_second_));
}

}  // namespace spyhop
