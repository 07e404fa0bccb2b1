#include "cli/download_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kMiB = int64_t{1} << 20;

DownloadProgress progress_of(int64_t first, int64_t second) {
  DownloadProgress progress;
  progress.files = {{"config.json", kMiB, first, first == kMiB}, {"model.safetensors", 99 * kMiB, second, second == 99 * kMiB}};
  progress.total_bytes = 100 * kMiB;
  progress.done_bytes = first + second;
  progress.fetched_bytes = first + second;
  return progress;
}

struct Written {
  std::vector<std::string> texts;
  DownloadView::Time now{};

  explicit Written(bool is_terminal) : view(is_terminal, [this](const std::string& text) { texts.push_back(text); }) {}
  void show(milliseconds after, const DownloadProgress& progress) {
    now += after;
    view.show(progress, now);
  }
  DownloadView view;
};

TEST(DownloadView, WritesALineForEachFileAndOneEveryTenSecondsToALog) {
  Written log(false);
  log.show(seconds(1), progress_of(0, 0));
  log.show(seconds(1), progress_of(kMiB, 9 * kMiB));
  log.show(seconds(8), progress_of(kMiB, 49 * kMiB));
  log.show(seconds(9), progress_of(kMiB, 50 * kMiB));
  log.show(milliseconds(100), progress_of(kMiB, 99 * kMiB));
  log.show(milliseconds(100), progress_of(kMiB, 99 * kMiB));
  EXPECT_THAT(
      log.texts,
      ElementsAre("event=downloading percent=0 bytes=0 total_bytes=104857600 bytes_per_second=0",
                  "event=downloaded file=config.json bytes=1048576",
                  HasSubstr("event=downloading percent=51 bytes=53477376 total_bytes=104857600 bytes_per_second="),
                  "event=downloaded file=model.safetensors bytes=103809024", HasSubstr("event=downloading percent=100")));
}

TEST(DownloadView, DrawsABarForEveryFileOnItsWayAndOneForAll) {
  Written terminal(true);
  terminal.show(seconds(1), progress_of(0, 0));
  terminal.show(seconds(1), progress_of(kMiB / 2, 10 * kMiB));
  ASSERT_EQ(terminal.texts.size(), 2U);
  EXPECT_THAT(terminal.texts[1], HasSubstr("\033[1A\033[J"));
  EXPECT_THAT(terminal.texts[1], HasSubstr("config.json                           50 % [############            ]"));
  EXPECT_THAT(terminal.texts[1],
              HasSubstr("all                                   10 % [##                      ] 10.5 MiB of 100.0 MiB"));
  EXPECT_THAT(terminal.texts[1], HasSubstr("  10.5 MiB/s  0:08 left"));
}

TEST(DownloadView, RedrawsATerminalFiveTimesASecondAndOnceAtTheEnd) {
  Written terminal(true);
  for (int i = 0; i < 10; ++i) terminal.show(milliseconds(100), progress_of(0, i * kMiB));
  EXPECT_EQ(terminal.texts.size(), 5U);
  terminal.show(milliseconds(1), progress_of(kMiB, 99 * kMiB));
  terminal.show(seconds(1), progress_of(kMiB, 99 * kMiB));
  EXPECT_EQ(terminal.texts.size(), 6U);
  EXPECT_THAT(terminal.texts.back(), Not(HasSubstr("left")));
}

TEST(DownloadView, SaysNothingOfNothing) {
  Written log(false);
  log.show(seconds(1), {});
  EXPECT_THAT(log.texts, IsEmpty());
}

}  // namespace
}  // namespace spyhop
