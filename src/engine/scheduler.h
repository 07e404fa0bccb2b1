// Which sequences take part in the next step, and with how many tokens.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "engine/block_pool.h"
#include "engine/sequence.h"

namespace spyhop {

struct ScheduledSequence {
  Sequence* sequence = nullptr;
  int num_tokens = 0;  // from sequence->num_computed() on
};

/// A slice of the work on an image that a prompt waits for.
struct EncodeTask {
  Request* request = nullptr;
  int image = 0;
  int num_layers = 0;  // of the tower, each counted once per tile
};

struct Step {
  std::vector<ScheduledSequence> sequences;
  std::vector<BlockCopy> copies;  // to be done before the sequences run
  std::optional<EncodeTask> encode;
  bool empty() const { return sequences.empty() && !encode; }
};

struct SchedulerLimits {
  int max_num_seqs = 8;               // sequences that run at the same time
  int max_num_tokens = 512;           // per step
  bool prefix_caching = false;        // begin a prompt with the blocks of an earlier one that it shares
  int max_overtaken = 32;             // a request overtaken so often goes first, whatever its priority
  int max_interleaved_tokens = 128;   // of prompts, in a step in which other sequences decode
  int vision_layers = 32;             // of an image per step
  int interleaved_vision_layers = 3;  // the same in a step in which sequences decode
};

/// Integers only: tokens are counted here, never looked at. Thread safety: engine thread only.
///
/// Order: by priority, then by arrival, in the queue and among the running. Every step has a token for each sequence that
/// decodes. What is left of the step's tokens goes to prompts, in chunks, and the first in order that waits for an image gets a
/// slice of it. A step that decodes takes either a chunk or a slice, in turns, and small ones, so that no answer pauses for
/// long. Blocks are taken as sequences grow; when there are none left, the last in order gives its blocks up and is computed
/// anew later (preemption), so the first in order always gets on. The answers of one request share its prompt: the first
/// computes all of it but the last token, then all go on from there.
class Scheduler {
 public:
  Scheduler(SchedulerLimits limits, BlockPool& blocks) : limits_(limits), blocks_(blocks) {}

  /// Queues a request's first sequence; the others follow by themselves.
  void add(Request& request);

  /// Forgets a sequence that is finished, failed or cancelled, and frees its blocks.
  void remove(Sequence* sequence);

  Step schedule();

  /// Notes that the step's tokens are in the cache, and under which hashes their full blocks can be found.
  void mark_computed(const ScheduledSequence& scheduled);

  int num_running() const { return static_cast<int>(running_.size()); }
  int num_waiting() const { return static_cast<int>(waiting_.size()); }
  int64_t num_preemptions() const { return num_preemptions_; }  // so far

 private:
  template <typename Sequences>
  auto place_of(const Sequence* sequence, Sequences& sequences) const;
  void enqueue(Sequence* sequence);
  void fork_ready();
  void admit();
  bool let_in(Sequence* sequence);
  void count_overtaken(const Request& admitted);
  void schedule_decoding(Step& step);
  void schedule_beside_decoding(Step& step);
  void schedule_prompts(int budget, Step& step);
  std::optional<EncodeTask> next_image(int num_layers) const;
  int chunk_size(const Sequence& sequence, int budget) const;
  bool make_room(const Sequence* sequence, int num_tokens, const Step& step);
  bool preempt_behind(const Sequence* sequence, const Step& step);
  void schedule_sequence(Sequence* sequence, int num_tokens, Step& step);
  bool goes_before(const Sequence* a, const Sequence* b) const;

  SchedulerLimits limits_;
  BlockPool& blocks_;
  std::deque<Sequence*> waiting_;   // in order
  std::vector<Sequence*> running_;  // in order
  bool image_had_turn_ = false;     // of the steps that decode, the last with more to do
  int64_t num_preemptions_ = 0;
};

}  // namespace spyhop
