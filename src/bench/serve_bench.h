// The benchmark of a server: which measurement, and its report.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/chat_client.h"
#include "bench/interference.h"
#include "bench/load_run.h"
#include "bench/workload.h"

namespace spyhop {

enum class BenchMode {
  kLoad,       // one run
  kSweep,      // a run per concurrency
  kInterfere,  // text streams beside images
  kMultiTurn,  // chats of two turns about images
};

struct ServeBenchOptions {
  BenchMode mode = BenchMode::kLoad;
  ChatClientOptions client;
  WorkloadOptions workload;  // without a model: the server's first
  std::string dataset_path;  // empty = random words
  bool calibrate = true;     // random words: find out first how many tokens the server makes of them
  size_t num_warmups = 0;
  LoadOptions load;
  std::vector<double> percents{95, 99};
  bool save_details = false;

  bool verify = false;                          // kLoad: compare with the answers that the prompts get alone
  std::optional<pid_t> server_pid;              // kLoad: watch this process's memory
  std::optional<double> memory_warmup_seconds;  // none = a fifth of the duration, at most a minute

  std::vector<size_t> sweep_concurrency;  // kSweep
  size_t sweep_rounds = 1;                // each goes through all concurrencies

  InterferenceOptions interference;  // kInterfere
  ImageSize interfere_size;
  size_t interfere_rounds = 3;
};

/// What the measurement needs from its surroundings.
struct BenchEnvironment {
  std::function<bool()> should_stop;                  // stays true once it is
  std::function<void(const std::string& line)> tell;  // progress, for a person who waits
};

struct ServeBenchReport {
  nlohmann::ordered_json json;
  std::string text;
  bool has_failures = false;  // a request failed, or an answer was not the solo one
  bool was_stopped = false;
};

/// Checks what options allow together and throws Error{kInvalidRequest} naming the flag; then measures. Throws
/// Error{kUnavailable} when the server does not answer at all.
ServeBenchReport run_serve_bench(const ServeBenchOptions& options, const BenchEnvironment& environment);

}  // namespace spyhop
