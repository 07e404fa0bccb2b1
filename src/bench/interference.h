// What an image does to the streams beside it.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "bench/chat_client.h"
#include "bench/workload.h"

namespace spyhop {

struct InterferenceOptions {
  size_t num_streams = 1;                  // of text, kept running all the time
  std::chrono::duration<double> quiet{5};  // how long they are watched without an image, before each image
};

/// One image beside the streams.
struct InterferenceRound {
  double longest_quiet_gap_ms = 0;  // between two chunks with text of one stream, while there is no image
  double median_quiet_gap_ms = 0;
  double longest_gap_ms = 0;  // of the gaps that overlap the time from sending the image's request until its first text
  double median_gap_ms = 0;
  size_t num_gaps = 0;       // that overlap it; fewer than streams: the measurement says little
  double image_ttft_ms = 0;  // that time
  int image_prompt_tokens = 0;
};

struct InterferenceResult {
  std::vector<InterferenceRound> rounds;
  std::vector<AnswerFault> faults;  // of streams and images; a round whose image failed is not among the rounds
  bool was_stopped = false;
};

/// Keeps `options.num_streams` requests of `texts` running, taken in turn, and sends the requests of `images` beside them, one
/// after the other. Gaps count within one answer only.
InterferenceResult measure_interference(ChatClient& client, const Workload& texts, const Workload& images,
                                        const InterferenceOptions& options, const std::function<bool()>& should_stop);

}  // namespace spyhop
