#include "bench/mode_reports.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

namespace spyhop {
namespace {

using nlohmann::ordered_json;

constexpr double kMilliseconds = 1000;
constexpr double kMebibyte = 1 << 20;

template <typename... Values>
std::string print(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

double median(std::vector<double> values) {
  return summarize(std::move(values), {}).median;
}

double maximum(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

template <typename Item, typename Get>
std::vector<double> collect(const std::vector<Item>& items, Get get) {
  std::vector<double> values;
  values.reserve(items.size());
  for (const Item& item : items) values.push_back(get(item));
  return values;
}

ordered_json faults_json(const std::vector<AnswerFault>& faults) {
  ordered_json json = ordered_json::array();
  for (const AnswerFault& fault : faults) json.push_back(fault.kind + ": " + fault.message);
  return json;
}

std::string faults_table(const std::vector<AnswerFault>& faults) {
  std::string table;
  for (const AnswerFault& fault : faults) table += table_row("Failed, " + fault.kind + ":", fault.message);
  return table;
}

ordered_json answer_json(const StreamedAnswer& answer) {
  return {{"ttft_ms", answer.ttft_seconds() * kMilliseconds},
          {"e2el_ms", answer.e2e_seconds() * kMilliseconds},
          {"prompt_tokens", answer.prompt_tokens.value_or(0)},
          {"cached_tokens", answer.cached_tokens},
          {"image_tokens", answer.image_tokens},
          {"completion_tokens", answer.num_output_tokens()}};
}

}  // namespace

ordered_json load_settings_json(const LoadOptions& options, size_t num_prompts) {
  const double rate = options.arrivals.request_rate;
  ordered_json json;
  json["num_prompts"] = num_prompts;
  json["request_rate"] = rate > 0 ? ordered_json(rate) : ordered_json("inf");
  json["burstiness"] = options.arrivals.burstiness;
  json["max_concurrency"] = options.max_concurrency > 0 ? ordered_json(options.max_concurrency) : ordered_json();
  json["duration_limit"] = options.duration.count() > 0 ? ordered_json(options.duration.count()) : ordered_json();
  return json;
}

ordered_json check_json(const SoloCheck& check) {
  return {{"compared", check.num_compared()}, {"mismatches", check.num_mismatches()}, {"examples", check.examples()}};
}

std::string check_table(const SoloCheck& check) {
  std::string table = table_heading("Answers against those of the prompts alone", '-');
  table += table_row("Compared:", std::to_string(check.num_compared()));
  table += table_row("Different:", std::to_string(check.num_mismatches()));
  for (const std::string& example : check.examples()) table += "  " + example + "\n";
  return table;
}

ordered_json memory_json(const MemoryWatch& memory) {
  return {{"warmup_seconds", memory.warmup_seconds()}, {"is_warm", memory.is_warm()},
          {"start_bytes", memory.start_bytes()},       {"after_warmup_bytes", memory.base_bytes()},
          {"peak_bytes", memory.peak_bytes()},         {"end_bytes", memory.end_bytes()},
          {"growth_percent", memory.growth_percent()}, {"is_gone", memory.is_gone()}};
}

std::string memory_table(const MemoryWatch& memory) {
  const auto row = [](const std::string& name, uint64_t bytes) {
    return table_row(name, static_cast<double>(bytes) / kMebibyte);
  };
  std::string table = table_heading("Resident memory of the server", '-');
  table += row("At the start (MiB):", memory.start_bytes());
  table += memory.is_warm() ? row(print("After %.0f s of warm-up (MiB):", memory.warmup_seconds()), memory.base_bytes())
                            : table_row("After the warm-up:", std::string("the run was over before"));
  table += row("Peak (MiB):", memory.peak_bytes());
  table += row("At the end (MiB):", memory.end_bytes());
  table += table_row("Growth after the warm-up (%):", memory.growth_percent());
  if (memory.is_gone()) table += "The process has ended.\n";
  return table;
}

std::vector<SweepRatio> sweep_ratios(const std::vector<SweepRun>& runs) {
  std::map<size_t, double> first_of_round;  // output throughput of a round's first run
  std::vector<size_t> order;
  std::map<size_t, std::vector<double>> throughputs, ratios;  // by concurrency
  for (const SweepRun& run : runs) {
    const double throughput = run.metrics.output_throughput;
    const double first = first_of_round.emplace(run.round, throughput).first->second;
    if (throughputs.count(run.concurrency) == 0) order.push_back(run.concurrency);
    throughputs[run.concurrency].push_back(throughput);
    if (first > 0) ratios[run.concurrency].push_back(throughput / first);
  }
  std::vector<SweepRatio> result;
  for (const size_t concurrency : order) {
    result.push_back({concurrency, median(throughputs[concurrency]), median(ratios[concurrency])});
  }
  return result;
}

ordered_json sweep_json(const std::vector<SweepRun>& runs) {
  ordered_json json = {{"runs", ordered_json::array()}, {"ratios", ordered_json::array()}};
  for (const SweepRun& run : runs) {
    ordered_json entry = {{"round", run.round}, {"max_concurrency", run.concurrency}};
    entry.update(metrics_json(run.metrics));
    json["runs"].push_back(std::move(entry));
  }
  for (const SweepRatio& ratio : sweep_ratios(runs)) {
    json["ratios"].push_back({{"max_concurrency", ratio.concurrency},
                              {"output_throughput", ratio.output_throughput},
                              {"ratio_to_first", ratio.ratio}});
  }
  return json;
}

std::string sweep_table(const std::vector<SweepRun>& runs, const std::vector<double>& percents) {
  const double last_percent = percents.empty() ? 0 : percents.back();
  const auto last = [&](const Summary& summary) { return summary.percentiles.empty() ? 0 : summary.percentiles.back(); };
  const std::string tail = print("p%g", last_percent);
  std::string table = table_heading("Sweep over the concurrency", '=');
  table += print("%-6s %11s %7s %8s %11s %11s %11s %11s %11s %11s\n", "round", "concurrency", "failed", "req/s", "output tok/s",
                 "total tok/s", "TTFT ms", ("TTFT " + tail).c_str(), "ITL ms", ("ITL " + tail).c_str());
  for (const SweepRun& run : runs) {
    const LoadMetrics& m = run.metrics;
    table += print("%-6zu %11zu %7zu %8.2f %12.2f %11.2f %11.2f %11.2f %11.2f %11.2f\n", run.round + 1, run.concurrency,
                   m.num_failed, m.request_throughput, m.output_throughput, m.total_token_throughput, m.ttft_ms.mean,
                   last(m.ttft_ms), m.itl_ms.mean, last(m.itl_ms));
  }
  table += table_heading("Output throughput, median of the rounds", '-');
  for (const SweepRatio& ratio : sweep_ratios(runs)) {
    table += table_row(print("Concurrency %zu (tok/s, ratio to first):", ratio.concurrency),
                       print("%.2f  %.2fx", ratio.output_throughput, ratio.ratio));
  }
  return table;
}

ordered_json interference_json(const InterferenceResult& result, size_t num_streams, ImageSize size) {
  ordered_json rounds = ordered_json::array();
  for (const InterferenceRound& round : result.rounds) {
    rounds.push_back({{"longest_quiet_gap_ms", round.longest_quiet_gap_ms},
                      {"median_quiet_gap_ms", round.median_quiet_gap_ms},
                      {"longest_gap_ms", round.longest_gap_ms},
                      {"median_gap_ms", round.median_gap_ms},
                      {"num_gaps", round.num_gaps},
                      {"image_ttft_ms", round.image_ttft_ms},
                      {"image_prompt_tokens", round.image_prompt_tokens}});
  }
  const auto longest = [&](auto member) {
    return maximum(collect(result.rounds, [&](const InterferenceRound& round) { return round.*member; }));
  };
  return {{"num_streams", num_streams},
          {"image_width", size.width},
          {"image_height", size.height},
          {"longest_quiet_gap_ms", longest(&InterferenceRound::longest_quiet_gap_ms)},
          {"longest_gap_ms", longest(&InterferenceRound::longest_gap_ms)},
          {"rounds", std::move(rounds)},
          {"errors", faults_json(result.faults)}};
}

std::string interference_table(const InterferenceResult& result) {
  std::string table = table_heading("Streams beside an image", '=');
  table += print("%-6s %24s %24s %6s %14s %13s\n", "round", "gap without, median/max ms", "gap beside, median/max ms", "gaps",
                 "image TTFT ms", "prompt tokens");
  double quiet = 0, loud = 0;
  for (size_t i = 0; i < result.rounds.size(); ++i) {
    const InterferenceRound& round = result.rounds[i];
    table += print("%-6zu %13.1f / %10.1f %12.1f / %10.1f %6zu %14.1f %13d\n", i + 1, round.median_quiet_gap_ms,
                   round.longest_quiet_gap_ms, round.median_gap_ms, round.longest_gap_ms, round.num_gaps, round.image_ttft_ms,
                   round.image_prompt_tokens);
    quiet = std::max(quiet, round.longest_quiet_gap_ms);
    loud = std::max(loud, round.longest_gap_ms);
  }
  table += table_row("Longest gap without an image (ms):", quiet);
  table += table_row("Longest gap beside an image (ms):", loud);
  return table + faults_table(result.faults);
}

ordered_json multi_turn_json(const MultiTurnResult& result) {
  ordered_json chats = ordered_json::array();
  for (const MultiTurnChat& chat : result.chats) {
    chats.push_back(
        {{"first", answer_json(chat.first)}, {"second", answer_json(chat.second)}, {"ttft_ratio", chat.ttft_ratio()}});
  }
  const std::vector<double> ratios = collect(result.chats, [](const MultiTurnChat& chat) { return chat.ttft_ratio(); });
  return {{"median_ttft_ratio", median(ratios)},
          {"max_ttft_ratio", maximum(ratios)},
          {"chats", std::move(chats)},
          {"errors", faults_json(result.faults)}};
}

std::string multi_turn_table(const MultiTurnResult& result) {
  std::string table = table_heading("Two turns about an image", '=');
  table += print("%-6s %14s %14s %8s %15s %15s %15s\n", "chat", "1st TTFT ms", "2nd TTFT ms", "ratio", "prompt tokens",
                 "2nd prompt", "2nd cached");
  for (size_t i = 0; i < result.chats.size(); ++i) {
    const MultiTurnChat& chat = result.chats[i];
    table += print("%-6zu %14.1f %14.1f %8.4f %15d %15d %15d\n", i + 1, chat.first.ttft_seconds() * kMilliseconds,
                   chat.second.ttft_seconds() * kMilliseconds, chat.ttft_ratio(), chat.first.prompt_tokens.value_or(0),
                   chat.second.prompt_tokens.value_or(0), chat.second.cached_tokens);
  }
  const std::vector<double> ratios = collect(result.chats, [](const MultiTurnChat& chat) { return chat.ttft_ratio(); });
  table += table_row("Median ratio of the TTFTs:", print("%.4f", median(ratios)));
  return table + faults_table(result.faults);
}

}  // namespace spyhop
