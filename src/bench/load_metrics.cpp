#include "bench/load_metrics.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr double kMilliseconds = 1000;
constexpr int kNameWidth = 40;
constexpr size_t kTableWidth = 52;

double seconds_between(TimePoint begin, TimePoint end) {
  return std::chrono::duration<double>(end - begin).count();
}

/// The most answers that were under way at the same time.
size_t peak_concurrency(const std::vector<StreamedAnswer>& answers) {
  std::vector<std::pair<TimePoint, int>> changes;
  for (const StreamedAnswer& answer : answers) {
    if (answer.fault) continue;
    changes.emplace_back(answer.sent, 1);
    changes.emplace_back(answer.last, -1);
  }
  std::sort(changes.begin(), changes.end());  // ends before begins at the same moment
  int active = 0, peak = 0;
  for (const auto& [time, change] : changes) peak = std::max(peak, active += change);
  return static_cast<size_t>(peak);
}

double peak_chunks_per_second(const std::vector<StreamedAnswer>& answers) {
  std::map<int64_t, int64_t> seconds;
  TimePoint begin = TimePoint::max();
  for (const StreamedAnswer& answer : answers) begin = std::min(begin, answer.sent);
  for (const StreamedAnswer& answer : answers) {
    if (answer.fault) continue;
    for (const TimePoint time : answer.text_times) ++seconds[static_cast<int64_t>(seconds_between(begin, time))];
  }
  int64_t peak = 0;
  for (const auto& [second, count] : seconds) peak = std::max(peak, count);
  return static_cast<double>(peak);
}

/// The times of all complete answers, in milliseconds.
struct Times {
  std::vector<double> ttft, tpot, itl, e2el;

  void add(const StreamedAnswer& answer) {
    ttft.push_back(answer.ttft_seconds() * kMilliseconds);
    e2el.push_back(answer.e2e_seconds() * kMilliseconds);
    if (const auto tpot_seconds = answer.tpot_seconds()) tpot.push_back(*tpot_seconds * kMilliseconds);
    for (size_t i = 1; i < answer.text_times.size(); ++i) {
      itl.push_back(seconds_between(answer.text_times[i - 1], answer.text_times[i]) * kMilliseconds);
    }
  }
};

void add_tokens(LoadMetrics& metrics, const StreamedAnswer& answer) {
  if (!answer.completion_tokens || !answer.prompt_tokens) ++metrics.num_without_usage;
  metrics.input_tokens += answer.prompt_tokens.value_or(0);
  metrics.cached_tokens += answer.cached_tokens;
  metrics.image_tokens += answer.image_tokens;
  metrics.output_tokens += static_cast<int64_t>(answer.num_output_tokens());
}

void add_throughput(LoadMetrics& metrics) {
  const auto per_second = [&](int64_t count) {
    return metrics.duration_seconds > 0 ? static_cast<double>(count) / metrics.duration_seconds : 0;
  };
  metrics.request_throughput = per_second(static_cast<int64_t>(metrics.num_completed));
  metrics.input_throughput = per_second(metrics.input_tokens);
  metrics.output_throughput = per_second(metrics.output_tokens);
  metrics.total_token_throughput = per_second(metrics.input_tokens + metrics.output_tokens);
}

/// 99 as "99", 99.9 as "99.9".
std::string percent_name(double percent) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", percent);
  return text;
}

struct NamedSummary {
  const char* name;  // in keys
  const char* label;
  const char* heading;
  const Summary* summary;
};

std::vector<NamedSummary> summaries(const LoadMetrics& metrics) {
  return {{"ttft", "TTFT", "Time to first token", &metrics.ttft_ms},
          {"tpot", "TPOT", "Time per output token (but the first)", &metrics.tpot_ms},
          {"itl", "ITL", "Inter-token latency", &metrics.itl_ms},
          {"e2el", "E2EL", "End-to-end latency", &metrics.e2el_ms}};
}

std::string summary_rows(const NamedSummary& named, const std::vector<double>& percents) {
  const Summary& summary = *named.summary;
  const std::string unit = std::string(" ") + named.label + " (ms):";
  std::string rows = table_heading(named.heading, '-');
  rows += table_row("Mean" + unit, summary.mean);
  rows += table_row("Median" + unit, summary.median);
  for (size_t i = 0; i < percents.size(); ++i) {
    rows += table_row("P" + percent_name(percents[i]) + unit, summary.percentiles[i]);
  }
  rows += table_row("Std" + unit, summary.std);
  return rows + table_row("Max" + unit, summary.max);
}

}  // namespace

LoadMetrics compute_metrics(const LoadResult& result, const std::vector<double>& percents) {
  LoadMetrics metrics;
  metrics.duration_seconds = result.duration_seconds;
  metrics.num_cancelled = result.num_cancelled;
  metrics.percents = percents;
  Times times;
  for (const StreamedAnswer& answer : result.answers) {
    if (answer.fault) {
      FaultCount& fault = metrics.faults[answer.fault->kind];
      if (fault.count++ == 0) fault.example = answer.fault->message;
      ++metrics.num_failed;
      continue;
    }
    ++metrics.num_completed;
    add_tokens(metrics, answer);
    times.add(answer);
  }
  add_throughput(metrics);
  metrics.max_output_tokens_per_s = peak_chunks_per_second(result.answers);
  metrics.max_concurrent_requests = peak_concurrency(result.answers);
  metrics.ttft_ms = summarize(std::move(times.ttft), percents);
  metrics.tpot_ms = summarize(std::move(times.tpot), percents);
  metrics.itl_ms = summarize(std::move(times.itl), percents);
  metrics.e2el_ms = summarize(std::move(times.e2el), percents);
  return metrics;
}

ordered_json metrics_json(const LoadMetrics& metrics) {
  ordered_json faults = ordered_json::object();
  for (const auto& [kind, fault] : metrics.faults) faults[kind] = {{"count", fault.count}, {"example", fault.example}};
  ordered_json json = {{"duration", metrics.duration_seconds},
                       {"completed", metrics.num_completed},
                       {"failed", metrics.num_failed},
                       {"cancelled", metrics.num_cancelled},
                       {"error_counts", std::move(faults)},
                       {"without_usage", metrics.num_without_usage},
                       {"total_input_tokens", metrics.input_tokens},
                       {"total_cached_tokens", metrics.cached_tokens},
                       {"total_image_tokens", metrics.image_tokens},
                       {"total_output_tokens", metrics.output_tokens},
                       {"request_throughput", metrics.request_throughput},
                       {"input_throughput", metrics.input_throughput},
                       {"output_throughput", metrics.output_throughput},
                       {"total_token_throughput", metrics.total_token_throughput},
                       {"max_output_tokens_per_s", metrics.max_output_tokens_per_s},
                       {"max_concurrent_requests", metrics.max_concurrent_requests}};
  for (const NamedSummary& named : summaries(metrics)) {
    const std::string ending = std::string("_") + named.name + "_ms";
    json["mean" + ending] = named.summary->mean;
    json["median" + ending] = named.summary->median;
    json["std" + ending] = named.summary->std;
    json["max" + ending] = named.summary->max;
    for (size_t i = 0; i < metrics.percents.size(); ++i) {
      json["p" + percent_name(metrics.percents[i]) + ending] = named.summary->percentiles[i];
    }
  }
  return json;
}

ordered_json details_json(const LoadResult& result) {
  ordered_json json = {{"input_lens", ordered_json::array()},  {"output_lens", ordered_json::array()},
                       {"start_times", ordered_json::array()}, {"ttfts", ordered_json::array()},
                       {"itls", ordered_json::array()},        {"errors", ordered_json::array()}};
  TimePoint begin = TimePoint::max();
  for (const StreamedAnswer& answer : result.answers) begin = std::min(begin, answer.sent);
  for (const StreamedAnswer& answer : result.answers) {
    ordered_json gaps = ordered_json::array();
    for (size_t i = 1; i < answer.text_times.size(); ++i) {
      gaps.push_back(seconds_between(answer.text_times[i - 1], answer.text_times[i]));
    }
    json["input_lens"].push_back(answer.prompt_tokens.value_or(0));
    json["output_lens"].push_back(answer.fault ? 0 : answer.num_output_tokens());
    json["start_times"].push_back(seconds_between(begin, answer.sent));
    json["ttfts"].push_back(answer.fault ? 0 : answer.ttft_seconds());
    json["itls"].push_back(std::move(gaps));
    json["errors"].push_back(answer.fault ? answer.fault->kind + ": " + answer.fault->message : "");
  }
  return json;
}

std::string table_row(const std::string& name, const std::string& value) {
  return name + std::string(static_cast<size_t>(std::max(1, kNameWidth - static_cast<int>(name.size()))), ' ') + value + "\n";
}

std::string table_row(const std::string& name, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return table_row(name, std::string(text));
}

std::string table_heading(const std::string& title, char fill) {
  const std::string text = " " + title + " ";
  const size_t rest = kTableWidth - std::min(kTableWidth, text.size());
  return std::string(rest / 2, fill) + text + std::string(rest - rest / 2, fill) + "\n";
}

std::string metrics_table(const LoadMetrics& metrics, const std::string& title) {
  std::string table = table_heading(title, '=');
  table += table_row("Successful requests:", std::to_string(metrics.num_completed));
  table += table_row("Failed requests:", std::to_string(metrics.num_failed));
  if (metrics.num_cancelled > 0) table += table_row("Cancelled requests:", std::to_string(metrics.num_cancelled));
  for (const auto& [kind, fault] : metrics.faults) {
    table += table_row("  " + kind + ":", std::to_string(fault.count) + "  " + fault.example);
  }
  table += table_row("Benchmark duration (s):", metrics.duration_seconds);
  table += table_row("Total input tokens:", std::to_string(metrics.input_tokens));
  if (metrics.cached_tokens > 0) table += table_row("  of them cached:", std::to_string(metrics.cached_tokens));
  if (metrics.image_tokens > 0) table += table_row("  of them of images:", std::to_string(metrics.image_tokens));
  table += table_row("Total generated tokens:", std::to_string(metrics.output_tokens));
  if (metrics.num_without_usage > 0) {
    table += table_row("Answers without usage, chunks counted:", std::to_string(metrics.num_without_usage));
  }
  table += table_row("Request throughput (req/s):", metrics.request_throughput);
  table += table_row("Input token throughput (tok/s):", metrics.input_throughput);
  table += table_row("Output token throughput (tok/s):", metrics.output_throughput);
  table += table_row("Peak output token throughput (tok/s):", metrics.max_output_tokens_per_s);
  table += table_row("Total token throughput (tok/s):", metrics.total_token_throughput);
  table += table_row("Peak concurrent requests:", std::to_string(metrics.max_concurrent_requests));
  for (const NamedSummary& named : summaries(metrics)) {
    if (named.summary->count > 0) table += summary_rows(named, metrics.percents);
  }
  return table + std::string(kTableWidth, '=') + "\n";
}

}  // namespace spyhop
