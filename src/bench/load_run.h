// Sends a workload and gathers the answers.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "bench/arrivals.h"
#include "bench/chat_client.h"
#include "bench/workload.h"

namespace spyhop {

struct LoadOptions {
  ArrivalOptions arrivals;
  size_t max_concurrency = 0;                 // requests in flight; 0 = no limit
  std::chrono::duration<double> duration{0};  // above 0: prompts are sent in turn, again and again, until then; 0: each once
};

struct LoadProgress {
  double seconds = 0;  // since the begin
  size_t num_completed = 0;
  size_t num_failed = 0;
  size_t num_active = 0;
};

/// What may look on; each may be empty. None of them may use the client.
struct LoadHooks {
  std::function<bool()> should_stop;  // asked several times a second; true ends the run and cancels what is in flight
  std::function<void(size_t prompt, StreamedAnswer& answer)> on_answer;  // may take out what it wants to keep
  std::function<void(const LoadProgress& progress)> on_tick;             // several times a second
};

struct LoadResult {
  std::vector<StreamedAnswer> answers;  // complete and failed ones, in the order they ended
  double duration_seconds = 0;          // from the first request until the last answer
  size_t num_cancelled = 0;             // not among the answers
  bool was_stopped = false;             // by should_stop
  bool was_given_up = false;            // with a duration: after very many failures in a row
};

/// The client must have nothing in flight; nor has it afterwards.
LoadResult run_load(ChatClient& client, const Workload& workload, const LoadOptions& options, const LoadHooks& hooks);

}  // namespace spyhop
