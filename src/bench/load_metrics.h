// The figures of a benchmark run.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/load_run.h"
#include "bench/statistics.h"

namespace spyhop {

struct FaultCount {
  size_t count = 0;
  std::string example;  // the message of the first one
};

/// Over the answers that are complete, save where it says otherwise. Tokens are counted by the server.
struct LoadMetrics {
  double duration_seconds = 0;
  size_t num_completed = 0;
  size_t num_failed = 0;
  size_t num_cancelled = 0;
  size_t num_without_usage = 0;  // answers whose tokens the server did not count: their chunks are counted, and no input
  std::map<std::string, FaultCount> faults;  // by kind

  int64_t input_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t image_tokens = 0;
  int64_t output_tokens = 0;
  double request_throughput = 0;  // these are per second
  double input_throughput = 0;
  double output_throughput = 0;
  double total_token_throughput = 0;
  double max_output_tokens_per_s = 0;  // chunks with text in the best whole second
  size_t max_concurrent_requests = 0;

  std::vector<double> percents;  // which percentiles the summaries hold
  Summary ttft_ms;
  Summary tpot_ms;
  Summary itl_ms;  // between chunks with text; a chunk is a token, save where the server joins some
  Summary e2el_ms;
};

LoadMetrics compute_metrics(const LoadResult& result, const std::vector<double>& percents);

/// With the key names of `vllm bench serve` where it has them.
nlohmann::ordered_json metrics_json(const LoadMetrics& metrics);

/// Lengths, times (in seconds) and error of every single answer, as vLLM's --save-detailed has them.
nlohmann::ordered_json details_json(const LoadResult& result);

/// A table for people.
std::string metrics_table(const LoadMetrics& metrics, const std::string& title);

/// "  name:      value\n", aligned with the rows of metrics_table.
std::string table_row(const std::string& name, const std::string& value);
std::string table_row(const std::string& name, double value);
/// A line of `fill` with the title in its middle.
std::string table_heading(const std::string& title, char fill);

}  // namespace spyhop
