#include "engine/scheduler.h"

#include <algorithm>
#include <tuple>

namespace spyhop {
namespace {

bool is_decoding(const Sequence* sequence) {
  return sequence->num_left() == 1 && sequence->num_generated() > 0;
}

/// The answers beside the first wait for its prompt.
bool leads_fork(const Sequence& sequence) {
  const Request& request = sequence.request();
  return request.sequences.size() > 1 && !request.is_forked;
}

}  // namespace

bool Scheduler::goes_before(const Sequence* a, const Sequence* b) const {
  const auto key = [this](const Sequence* sequence) {
    const Request& request = sequence->request();
    const bool had_to_wait = request.num_overtaken >= limits_.max_overtaken;
    return std::make_tuple(!had_to_wait, had_to_wait ? 0 : request.chat.priority, request.arrival, sequence->choice());
  };
  return key(a) < key(b);
}

template <typename Sequences>
auto Scheduler::place_of(const Sequence* sequence, Sequences& sequences) const {
  return std::upper_bound(sequences.begin(), sequences.end(), sequence,
                          [this](const Sequence* a, const Sequence* b) { return goes_before(a, b); });
}

void Scheduler::enqueue(Sequence* sequence) {
  waiting_.insert(place_of(sequence, waiting_), sequence);
}

void Scheduler::add(Request& request) {
  enqueue(request.sequences.front().get());
}

void Scheduler::remove(Sequence* sequence) {
  waiting_.erase(std::remove(waiting_.begin(), waiting_.end(), sequence), waiting_.end());
  running_.erase(std::remove(running_.begin(), running_.end(), sequence), running_.end());
  sequence->blocks.release();
}

/// Gives the other answers of a request the prompt that its first has computed.
void Scheduler::fork_ready() {
  for (Sequence* first : std::vector<Sequence*>(running_)) {
    if (!leads_fork(*first) || first->num_left() > 1) continue;
    Request& request = first->request();
    request.is_forked = true;
    for (size_t i = 1; i < request.sequences.size(); ++i) {
      Sequence* other = request.sequences[i].get();
      other->start_from(blocks_.share(first->blocks), first->num_computed());
      enqueue(other);
    }
  }
}

void Scheduler::count_overtaken(const Request& admitted) {
  bool reorder = false;
  for (const Sequence* other : waiting_) {
    Request& request = other->request();
    if (request.arrival < admitted.arrival && ++request.num_overtaken == limits_.max_overtaken) reorder = true;
  }
  if (!reorder) return;
  std::sort(waiting_.begin(), waiting_.end(), [this](const Sequence* a, const Sequence* b) { return goes_before(a, b); });
}

/// Moves the head of the queue to the running ones if the blocks for all of its tokens, and one for its next, are free.
bool Scheduler::let_in(Sequence* sequence) {
  const bool from_cache = limits_.prefix_caching && sequence->blocks.ids().empty();
  if (from_cache) {
    // The last token is always computed: its logits are wanted.
    std::vector<BlockHash> hashes = sequence->block_hashes();
    hashes.resize(std::min(hashes.size(), static_cast<size_t>((sequence->num_tokens() - 1) / blocks_.block_size())));
    BlockTable known = blocks_.find_prefix(hashes);
    const int num_known = static_cast<int>(known.ids().size()) * blocks_.block_size();
    sequence->start_from(std::move(known), num_known);
  }
  int needed = blocks_.num_needed(sequence->blocks, sequence->num_computed(), sequence->num_left() + 1);
  // Those let in before will take theirs chunk by chunk.
  for (const Sequence* other : running_) needed += blocks_.num_needed(other->blocks, other->num_computed(), other->num_left());
  if (needed > blocks_.num_free() && !running_.empty()) {
    if (from_cache) sequence->restart();
    return false;
  }
  Request& request = sequence->request();
  if (request.num_cached < 0) {
    request.num_cached = sequence->num_computed();
    request.admitted_at = Request::Clock::now();
  }
  waiting_.pop_front();
  running_.insert(place_of(sequence, running_), sequence);
  count_overtaken(request);
  return true;
}

void Scheduler::admit() {
  while (!waiting_.empty() && num_running() < limits_.max_num_seqs) {
    if (!let_in(waiting_.front())) return;
  }
}

/// Takes the blocks of the last in order that comes after `sequence` and has no part in the step yet. Sequences that wait with
/// a share of their request's prompt come first: nothing of theirs is lost. False when there is none.
bool Scheduler::preempt_behind(const Sequence* sequence, const Step& step) {
  for (auto it = waiting_.rbegin(); it != waiting_.rend(); ++it) {
    if ((*it)->blocks.ids().empty()) continue;
    (*it)->restart();
    return true;
  }
  const auto is_scheduled = [&step](const Sequence* other) {
    return std::any_of(step.sequences.begin(), step.sequences.end(),
                       [other](const auto& each) { return each.sequence == other; });
  };
  for (size_t i = running_.size(); i-- > 0 && running_[i] != sequence;) {
    Sequence* last = running_[i];
    if (last->blocks.ids().empty() || is_scheduled(last)) continue;
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    last->restart();
    ++last->request().num_preemptions;
    ++num_preemptions_;
    enqueue(last);
    return true;
  }
  return false;
}

/// False when there is no room yet: those before in order have it.
bool Scheduler::make_room(const Sequence* sequence, int num_tokens, const Step& step) {
  while (blocks_.num_needed(sequence->blocks, sequence->num_computed(), num_tokens) > blocks_.num_free()) {
    if (!preempt_behind(sequence, step)) return false;
  }
  return true;
}

void Scheduler::schedule_sequence(Sequence* sequence, int num_tokens, Step& step) {
  for (const BlockCopy& copy : blocks_.grow(sequence->blocks, sequence->num_computed(), num_tokens))
    step.copies.push_back(copy);
  step.sequences.push_back({sequence, num_tokens});
}

/// Tokens of a prompt for this step: as many as are allowed, up to the first image that is not encoded.
int Scheduler::chunk_size(const Sequence& sequence, int budget) const {
  int end = sequence.num_tokens();
  if (leads_fork(sequence)) --end;
  const int image = sequence.request().next_image(sequence.num_computed());
  if (image >= 0) end = std::min(end, sequence.request().prompt.images[static_cast<size_t>(image)].first_token);
  return std::min(budget, end - sequence.num_computed());
}

void Scheduler::schedule_decoding(Step& step) {
  // By index, from the front: room is made behind.
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence* sequence = running_[i];
    if (is_decoding(sequence) && make_room(sequence, 1, step)) schedule_sequence(sequence, 1, step);
  }
}

void Scheduler::schedule_prompts(int budget, Step& step) {
  for (size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence* sequence = running_[i];
    if (is_decoding(sequence)) continue;
    const int num_tokens = chunk_size(*sequence, budget);
    if (num_tokens <= 0 || !make_room(sequence, num_tokens, step)) continue;
    schedule_sequence(sequence, num_tokens, step);
    budget -= num_tokens;
  }
}

std::optional<EncodeTask> Scheduler::next_image(int num_layers) const {
  for (const Sequence* sequence : running_) {
    const int image = sequence->request().next_image(sequence->num_computed());
    if (image >= 0) return EncodeTask{&sequence->request(), image, num_layers};
  }
  return std::nullopt;
}

void Scheduler::schedule_beside_decoding(Step& step) {
  const std::optional<EncodeTask> image = next_image(limits_.interleaved_vision_layers);
  const size_t num_decoding = step.sequences.size();
  if (!image || image_had_turn_) {
    const int room = limits_.max_num_tokens - static_cast<int>(num_decoding);
    schedule_prompts(std::max(1, std::min(room, limits_.max_interleaved_tokens)), step);
  }
  if (step.sequences.size() == num_decoding) step.encode = image;
  image_had_turn_ = step.encode.has_value();
}

Step Scheduler::schedule() {
  fork_ready();
  admit();
  fork_ready();
  admit();
  Step step;
  schedule_decoding(step);
  if (!step.sequences.empty()) {
    schedule_beside_decoding(step);
  } else {
    step.encode = next_image(limits_.vision_layers);
    schedule_prompts(limits_.max_num_tokens, step);
  }
  return step;
}

void Scheduler::mark_computed(const ScheduledSequence& scheduled) {
  Sequence& sequence = *scheduled.sequence;
  const int first = sequence.num_computed() / blocks_.block_size();
  sequence.mark_computed(scheduled.num_tokens);
  if (!limits_.prefix_caching) return;
  const int end = sequence.num_computed() / blocks_.block_size();
  for (int i = first; i < end; ++i) blocks_.remember(sequence.blocks, i, sequence.block_hashes()[static_cast<size_t>(i)]);
}

}  // namespace spyhop
