#include "bench/interference.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "bench/statistics.h"

namespace spyhop {
namespace {

constexpr std::chrono::milliseconds kCheckInterval{100};
constexpr std::chrono::seconds kPatience{120};  // for a stream to show text
constexpr size_t kMaxFaults = 20;               // then there is nothing to measure
constexpr double kMilliseconds = 1000;

struct Window {
  TimePoint begin;
  TimePoint end;
};

class Interference {
 public:
  Interference(ChatClient& client, const Workload& texts, const InterferenceOptions& options,
               const std::function<bool()>& should_stop)
      : client_(client), texts_(texts), options_(options), should_stop_(should_stop), streams_(options.num_streams) {}

  InterferenceResult run(const Workload& images) {
    for (const auto& image : images) {
      const std::optional<Window> quiet = watch_quiet();
      if (!quiet || !watch_image(image, *quiet)) break;
    }
    is_over_ = true;
    client_.cancel_all();
    for (const auto& [quiet, loud, answer] : windows_) result_.rounds.push_back(evaluate(quiet, loud, answer));
    return std::move(result_);
  }

 private:
  struct Stream {
    bool is_running = false;
    TimePoint last_text{};
  };
  struct RoundWindows {
    Window quiet;
    Window loud;
    StreamedAnswer answer;
  };

  /// Polls until `is_done`, keeping the streams running. False when that is not to be.
  bool poll_until(const std::function<bool()>& is_done, TimePoint deadline) {
    while (!is_done()) {
      if (should_stop_()) {
        result_.was_stopped = true;
        return false;
      }
      if (result_.faults.size() >= kMaxFaults || BenchClock::now() >= deadline) return false;
      for (size_t i = 0; i < streams_.size(); ++i) {
        if (!streams_[i].is_running) start_stream(i);
      }
      client_.poll(std::min(deadline, BenchClock::now() + kCheckInterval));
    }
    return true;
  }

  void start_stream(size_t index) {
    Stream& stream = streams_[index];
    stream.is_running = true;
    const auto on_answer = [this, &stream](StreamedAnswer answer) {
      stream.is_running = false;
      if (answer.fault && !is_over_) result_.faults.push_back(*answer.fault);
      if (answer.text_times.size() > 1) times_.push_back(std::move(answer.text_times));
    };
    client_.start(texts_[num_started_++ % texts_.size()], on_answer,
                  [&stream](TimePoint arrival) { stream.last_text = arrival; });
  }

  /// Whether every stream has shown text since `time`.
  bool all_streams_spoke(TimePoint time) const {
    return std::all_of(streams_.begin(), streams_.end(), [&](const Stream& stream) { return stream.last_text > time; });
  }

  bool wait_for_streams(TimePoint since) {
    if (poll_until([&] { return all_streams_spoke(since); }, BenchClock::now() + kPatience)) return true;
    if (!result_.was_stopped && result_.faults.empty()) {
      result_.faults.push_back({"silent", "a text stream shows no text"});
    }
    return false;
  }

  std::optional<Window> watch_quiet() {
    if (!wait_for_streams(BenchClock::now())) return std::nullopt;
    Window window{BenchClock::now(), {}};
    window.end = window.begin + std::chrono::duration_cast<BenchClock::duration>(options_.quiet);
    if (!poll_until([&] { return BenchClock::now() >= window.end; }, TimePoint::max())) return std::nullopt;
    return window;
  }

  bool watch_image(const std::shared_ptr<const std::string>& image, const Window& quiet) {
    std::optional<StreamedAnswer> answer;
    client_.start(image, [&](StreamedAnswer given) { answer = std::move(given); });
    if (!poll_until([&] { return answer.has_value(); }, TimePoint::max())) {
      is_over_ = true;
      client_.cancel_all();
      return false;
    }
    if (answer->fault) {
      result_.faults.push_back(*answer->fault);
      return result_.faults.size() < kMaxFaults;
    }
    const TimePoint first_text = answer->text_times.empty() ? answer->last : answer->text_times.front();
    const Window loud{answer->sent, first_text};
    windows_.push_back({quiet, loud, std::move(*answer)});
    return wait_for_streams(first_text);  // so that gaps which began beside the image have ended
  }

  std::vector<double> gaps_in(const Window& window) const {
    std::vector<double> gaps;
    for (const std::vector<TimePoint>& times : times_) {
      for (size_t i = 1; i < times.size(); ++i) {
        if (times[i] <= window.begin || times[i - 1] >= window.end) continue;
        gaps.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count() * kMilliseconds);
      }
    }
    return gaps;
  }

  InterferenceRound evaluate(const Window& quiet, const Window& loud, const StreamedAnswer& answer) const {
    const Summary quiet_gaps = summarize(gaps_in(quiet), {}), loud_gaps = summarize(gaps_in(loud), {});
    InterferenceRound round;
    round.longest_quiet_gap_ms = quiet_gaps.max;
    round.median_quiet_gap_ms = quiet_gaps.median;
    round.longest_gap_ms = loud_gaps.max;
    round.median_gap_ms = loud_gaps.median;
    round.num_gaps = loud_gaps.count;
    round.image_ttft_ms = answer.ttft_seconds() * kMilliseconds;
    round.image_prompt_tokens = answer.prompt_tokens.value_or(0);
    return round;
  }

  ChatClient& client_;
  const Workload& texts_;
  const InterferenceOptions& options_;
  const std::function<bool()>& should_stop_;
  InterferenceResult result_;
  std::vector<Stream> streams_;
  std::vector<std::vector<TimePoint>> times_;  // of every answer of the streams
  std::vector<RoundWindows> windows_;
  size_t num_started_ = 0;
  bool is_over_ = false;
};

}  // namespace

InterferenceResult measure_interference(ChatClient& client, const Workload& texts, const Workload& images,
                                        const InterferenceOptions& options, const std::function<bool()>& should_stop) {
  return Interference(client, texts, options, should_stop).run(images);
}

}  // namespace spyhop
