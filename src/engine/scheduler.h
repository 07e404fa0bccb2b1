// Which sequences take part in the next step, and with how many tokens.
#pragma once

#include <deque>
#include <vector>

#include "engine/block_pool.h"
#include "engine/sequence.h"

namespace spyhop {

struct ScheduledSequence {
  Sequence* sequence = nullptr;
  int num_tokens = 0;  // from sequence->num_computed() on
};

struct Step {
  std::vector<ScheduledSequence> sequences;
  Request* encode = nullptr;  // the next tiles of this request go through the vision tower
  bool empty() const { return sequences.empty() && encode == nullptr; }
};

struct SchedulerLimits {
  int max_num_seqs = 8;
  int prefill_chunk = 512;  // prompt tokens per step, over all sequences
};

/// First come, first served. A sequence runs once the blocks for its prompt and its longest answer are free, and keeps them to
/// its end: a running sequence is never held up by memory. Every step gives each decoding sequence a token and the rest of the
/// step to prompts, oldest first. Thread safety: engine thread only.
class Scheduler {
 public:
  Scheduler(SchedulerLimits limits, BlockPool& blocks) : limits_(limits), blocks_(blocks) {}

  void add(Sequence* sequence) { waiting_.push_back(sequence); }

  /// Forgets a sequence that is finished, failed or cancelled, and frees its blocks.
  void remove(Sequence* sequence);

  Step schedule();

  int num_running() const { return static_cast<int>(running_.size()); }
  int num_waiting() const { return static_cast<int>(waiting_.size()); }

 private:
  void admit();

  SchedulerLimits limits_;
  BlockPool& blocks_;
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;  // in order of admission
};

}  // namespace spyhop
