#include "grammar/automaton.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using Op = Network::Op;

constexpr size_t kFewSeen = 16;  // so many are looked through one by one

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidRequest, "the grammar is too ambiguous to be followed: " + what);
}

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
  return hash ^ (hash >> 29);
}

/// Numbers as bytes, and back.
class SavedWords {
 public:
  void put(uint32_t word) { bytes_.append(reinterpret_cast<const char*>(&word), sizeof word); }
  std::string take() { return std::move(bytes_); }

  explicit SavedWords(std::string bytes = {}) : bytes_(std::move(bytes)) {}
  uint32_t get() {
    uint32_t word = 0;
    std::memcpy(&word, bytes_.data() + offset_, sizeof word);
    offset_ += sizeof word;
    return word;
  }

 private:
  std::string bytes_;
  size_t offset_ = 0;
};

}  // namespace

Automaton::Automaton(const Network& network, const AutomatonLimits& limits)
    : network_(network),
      limits_(limits),
      num_classes_(network.class_bytes.size()),
      max_states_(std::max<size_t>(limits.max_transitions / num_classes_, 1024)) {
  clear();
}

void Automaton::begin() {
  steps_left_ = limits_.max_steps;
  clear_search();
  if (is_crowded()) clear();
}

bool Automaton::is_crowded() const {
  return states_.size() > max_states_ / 2 || frames_.size() > limits_.max_frames / 2 ||
         positions_.size() > limits_.max_frames / 2 || loaded_.size() > max_states_ / 2;
}

void Automaton::clear() {
  states_.clear();
  positions_.clear();
  transitions_.clear();
  frames_.assign(1, {});
  frame_numbers_.clear();
  state_numbers_.clear();
  loaded_.clear();
  intern({}, false, {});  // kDead
}

void Automaton::spend(int64_t steps) {
  steps_left_ -= steps;
  if (steps_left_ < 0) refuse("one token took more than " + std::to_string(limits_.max_steps) + " steps");
}

Automaton::StateId Automaton::start() {
  visit({network_.start(), 0, 0});
  return close();
}

Automaton::StateId Automaton::find_next(StateId state, uint8_t byte) {
  const State from = states_[static_cast<size_t>(state)];
  spend(static_cast<int64_t>(from.num_positions) + 1);
  for (size_t i = from.first_position; i < from.first_position + from.num_positions; ++i) {
    const Position position = positions_[i];
    const Network::Node& node = network_.nodes[position.node];
    if (network_.sets[node.a][byte]) visit({node.b, 0, position.stack});
  }
  const StateId next = close();
  transitions_[static_cast<size_t>(state) * num_classes_ + network_.byte_classes[byte]] = next;
  return next;
}

/// Follows every way from the positions visited to where a byte is taken.
Automaton::StateId Automaton::close() {
  while (!open_.empty()) {
    const Position position = open_.back();
    open_.pop_back();
    follow(position);
  }
  std::sort(found_.begin(), found_.end(),
            [](const Position& a, const Position& b) { return std::tie(a.node, a.stack) < std::tie(b.node, b.stack); });
  const StateId state = intern(found_, found_end_, found_loop_);
  clear_search();
  return state;
}

void Automaton::clear_search() {
  open_.clear();
  seen_.clear();
  if (!many_seen_.empty()) many_seen_.clear();
  found_.clear();
  rounds_.clear();
  found_end_ = false;
  found_loop_ = {};
}

void Automaton::visit(const Position& position) {
  if (seen_.size() < kFewSeen) {
    if (std::find(seen_.begin(), seen_.end(), position) != seen_.end()) return;
    seen_.push_back(position);
    if (seen_.size() == kFewSeen) many_seen_.insert(seen_.begin(), seen_.end());
  } else if (!many_seen_.insert(position).second) {
    return;
  }
  open_.push_back(position);
}

void Automaton::follow(const Position& position) {
  spend(1);
  const Network::Node& node = network_.nodes[position.node];
  if (node.loop_chars >= 0 && node.op == Op::kSplit) found_loop_ = {node.loop_chars, std::numeric_limits<int64_t>::max()};
  switch (node.op) {
    case Op::kByte:
      if (found_.size() >= limits_.max_positions) refuse("more than " + std::to_string(limits_.max_positions) + " positions");
      found_.push_back(position);
      return;
    case Op::kSplit:
      for (uint32_t i = 0; i < node.b; ++i) visit({network_.targets[node.a + i], 0, position.stack});
      return;
    case Op::kCall: {
      const bool is_last = network_.nodes[node.b].op == Op::kReturn;
      const uint32_t stack = is_last ? position.stack : push({node.b, 0, position.stack});
      if (stack != 0 || is_last) visit({network_.rule_entries[node.a], 0, stack});
      return;
    }
    case Op::kRepeat:
      follow_repeat(position);
      return;
    case Op::kReturn:
      follow_return(position.stack);
      return;
  }
}

void Automaton::follow_repeat(const Position& position) {
  const Network::Node& node = network_.nodes[position.node];
  const Network::Repeat& repeat = network_.repeats[node.a];
  const auto min = static_cast<uint32_t>(repeat.bounds.min);
  const bool is_bounded = repeat.bounds.max != kUnbounded;
  const int64_t left = is_bounded ? repeat.bounds.max - int64_t{position.count} : std::numeric_limits<int64_t>::max();
  if (position.count >= min) visit({repeat.next, 0, position.stack});
  if (left == 0) return;
  if (node.loop_chars >= 0 && left > found_loop_.left) found_loop_ = {node.loop_chars, left};
  const uint32_t round = is_bounded ? position.count + 1 : std::min(position.count + 1, min);
  const uint32_t stack = push({position.node, round, position.stack});
  if (stack == 0) return;
  if (repeat.body_may_be_empty) rounds_.push_back(stack);
  visit({repeat.body, 0, stack});
}

void Automaton::follow_return(uint32_t stack) {
  if (stack == 0) {
    found_end_ = true;
    return;
  }
  // A round that took no byte gets nowhere.
  if (std::find(rounds_.begin(), rounds_.end(), stack) != rounds_.end()) return;
  const Frame& frame = frames_[stack];
  visit({frame.node, frame.count, frame.parent});
}

/// The number of the frame; 0 when the stack is full.
uint32_t Automaton::push(const Position& frame) {
  const Frame& parent = frames_[frame.stack];
  if (parent.depth >= limits_.max_stack) return 0;
  const auto [it, is_new] = frame_numbers_.emplace(frame, static_cast<uint32_t>(frames_.size()));
  if (is_new) {
    if (frames_.size() >= limits_.max_frames) refuse("more than " + std::to_string(limits_.max_frames) + " calls");
    const uint64_t hash = mix(mix(mix(parent.hash, 1), frame.node), frame.count);
    frames_.push_back({frame.node, frame.count, frame.stack, parent.depth + 1, hash});
  }
  return it->second;
}

Automaton::StateId Automaton::intern(const std::vector<Position>& positions, bool may_end, const Loop& loop) {
  std::string key(reinterpret_cast<const char*>(positions.data()), positions.size() * sizeof(Position));
  key += may_end ? '1' : '0';
  const auto [it, is_new] = state_numbers_.emplace(std::move(key), static_cast<StateId>(states_.size()));
  if (!is_new) return it->second;
  if (states_.size() >= max_states_) refuse("more than " + std::to_string(max_states_) + " states");
  states_.push_back({positions_.size(), positions.size(), may_end, loop});
  positions_.insert(positions_.end(), positions.begin(), positions.end());
  transitions_.resize(transitions_.size() + num_classes_, kUnknown);
  return it->second;
}

std::string Automaton::save(StateId state_id) const {
  const State& state = states_[static_cast<size_t>(state_id)];
  std::vector<Position> positions(positions_.begin() + static_cast<ptrdiff_t>(state.first_position),
                                  positions_.begin() + static_cast<ptrdiff_t>(state.first_position + state.num_positions));
  std::sort(positions.begin(), positions.end(), [this](const Position& a, const Position& b) {
    return a.node != b.node ? a.node < b.node : frames_[a.stack].hash < frames_[b.stack].hash;
  });
  std::unordered_map<uint32_t, uint32_t> numbers{{0, 0}};
  std::vector<uint32_t> frames;  // outer ones first
  std::vector<uint32_t> chain;
  for (const Position& position : positions) {
    for (uint32_t frame = position.stack; numbers.count(frame) == 0; frame = frames_[frame].parent) chain.push_back(frame);
    for (; !chain.empty(); chain.pop_back()) {
      frames.push_back(chain.back());
      numbers.emplace(chain.back(), static_cast<uint32_t>(frames.size()));
    }
  }
  SavedWords words;
  words.put(state.may_end ? 1 : 0);
  words.put(static_cast<uint32_t>(state.loop.chars + 1));
  words.put(static_cast<uint32_t>(std::min<int64_t>(state.loop.left, std::numeric_limits<uint32_t>::max())));
  words.put(static_cast<uint32_t>(frames.size()));
  for (const uint32_t frame : frames) {
    words.put(frames_[frame].node);
    words.put(frames_[frame].count);
    words.put(numbers.at(frames_[frame].parent));
  }
  words.put(static_cast<uint32_t>(positions.size()));
  for (const Position& position : positions) {
    words.put(position.node);
    words.put(numbers.at(position.stack));
  }
  return words.take();
}

Automaton::StateId Automaton::load(const std::string& saved) {
  const auto known = loaded_.find(saved);
  if (known != loaded_.end()) return known->second;
  SavedWords words(saved);
  const bool may_end = words.get() != 0;
  Loop loop;
  loop.chars = static_cast<int>(words.get()) - 1;
  loop.left = words.get();
  std::vector<uint32_t> numbers{0};
  for (uint32_t left = words.get(); left > 0; --left) {
    Position frame;
    frame.node = words.get();
    frame.count = words.get();
    frame.stack = numbers[words.get()];
    numbers.push_back(push(frame));
  }
  std::vector<Position> positions(words.get());
  for (Position& position : positions) {
    position.node = words.get();
    position.stack = numbers[words.get()];
  }
  std::sort(positions.begin(), positions.end(),
            [](const Position& a, const Position& b) { return std::tie(a.node, a.stack) < std::tie(b.node, b.stack); });
  const StateId state = intern(positions, may_end, loop);
  loaded_.emplace(saved, state);
  return state;
}

}  // namespace spyhop
