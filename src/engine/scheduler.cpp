#include "engine/scheduler.h"

#include <algorithm>

namespace spyhop {

void Scheduler::remove(Sequence* sequence) {
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), sequence), waiting_.end());
  running_.erase(std::remove(running_.begin(), running_.end(), sequence), running_.end());
  sequence->blocks.release();
}

void Scheduler::admit() {
  while (!waiting_.empty() && num_running() < limits_.max_num_seqs) {
    Sequence* next = waiting_.front();
    const int longest = next->num_tokens() + next->max_tokens();
    if (blocks_.blocks_for(longest) > blocks_.num_free()) return;
    next->blocks = blocks_.allocate(longest);
    running_.push_back(next);
    waiting_.pop_front();
  }
}

Step Scheduler::schedule() {
  admit();
  Step step;
  for (Sequence* sequence : running_) {
    if (!sequence->in_prefill()) step.sequences.push_back({sequence, sequence->num_tokens() - sequence->num_computed()});
  }
  int budget = limits_.prefill_chunk;
  for (Sequence* sequence : running_) {
    if (!sequence->in_prefill() || budget == 0) continue;
    if (!sequence->request().images_ready()) {
      if (step.encode == nullptr) step.encode = &sequence->request();
      continue;
    }
    const int num_tokens = std::min(budget, sequence->num_tokens() - sequence->num_computed());
    step.sequences.push_back({sequence, num_tokens});
    budget -= num_tokens;
  }
  return step;
}

}  // namespace spyhop
