// Where an answer stands in its grammar.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "grammar/network.h"

namespace spyhop {

/// What following a grammar may cost. Whoever is over a limit gets Error{kInvalidRequest}.
struct AutomatonLimits {
  size_t max_positions = 4096;       // in the grammar at the same time, where an answer can be read in several ways
  uint32_t max_stack = 10'000;       // calls within each other; deeper ones are not possible
  size_t max_transitions = 4 << 20;  // kept: states times classes of bytes
  size_t max_frames = 1 << 18;       // kept
  int64_t max_steps = 500'000;       // between two calls of begin(); known states cost none
};

/// A network whose sets of positions are one state each, found and kept as they are needed.
/// Thread safety: one thread at a time.
class Automaton {
 public:
  using StateId = int32_t;
  static constexpr StateId kDead = 0;  // no text matches any more

  /// `network` must outlive it.
  explicit Automaton(const Network& network, const AutomatonLimits& limits = {});

  /// To be called before the states of some text are asked for: allows a number of steps, and forgets states when there are
  /// many, so that those known before mean nothing any more. Good after an error, too.
  void begin();

  /// Whether begin() would forget.
  bool is_crowded() const;

  StateId start();
  StateId next(StateId state, uint8_t byte) {
    const StateId known = transitions_[static_cast<size_t>(state) * num_classes_ + network_.byte_classes[byte]];
    return known != kUnknown ? known : find_next(state, byte);
  }

  /// Whether the text so far is a whole answer.
  bool may_end(StateId state) const { return states_[static_cast<size_t>(state)].may_end; }
  bool may_go_on(StateId state) const { return states_[static_cast<size_t>(state)].num_positions > 0; }

  /// A loop in which the state stands: up to `left` characters of network.loop_chars[chars] go through it.
  struct Loop {
    int chars = -1;  // none
    int64_t left = 0;
  };
  Loop loop(StateId state) const { return states_[static_cast<size_t>(state)].loop; }

  /// A state as bytes, good for any automaton of the network; equal states have equal bytes, with rare exceptions.
  std::string save(StateId state) const;
  StateId load(const std::string& saved);

 private:
  static constexpr StateId kUnknown = -1;

  /// A call that is not over, or a repetition in one of its rounds.
  struct Frame {
    uint32_t node = 0;   // where it goes on
    uint32_t count = 0;  // rounds of a repetition
    uint32_t parent = 0;
    uint32_t depth = 0;
    uint64_t hash = 0;  // of what it is, whatever the numbers of frames
  };
  struct Position {
    uint32_t node = 0;
    uint32_t count = 0;
    uint32_t stack = 0;  // number of the innermost frame; 0: none

    bool operator==(const Position& other) const { return node == other.node && count == other.count && stack == other.stack; }
  };
  struct PositionHash {
    size_t operator()(const Position& position) const {
      return ((uint64_t{position.node} << 32 | position.stack) * 0x9E3779B97F4A7C15u) ^ (position.count * 0xC2B2AE3D27D4EB4Fu);
    }
  };
  struct State {
    size_t first_position = 0;
    size_t num_positions = 0;
    bool may_end = false;
    Loop loop;
  };

  void clear();
  void clear_search();
  StateId find_next(StateId state, uint8_t byte);
  void visit(const Position& position);
  void follow(const Position& position);
  void follow_repeat(const Position& position);
  void follow_return(uint32_t stack);
  uint32_t push(const Position& frame);
  StateId close();
  StateId intern(const std::vector<Position>& positions, bool may_end, const Loop& loop);
  void spend(int64_t steps);

  const Network& network_;
  AutomatonLimits limits_;
  size_t num_classes_;
  size_t max_states_;
  int64_t steps_left_ = 0;

  std::vector<State> states_;
  std::vector<Position> positions_;   // of all states, each at a node that takes a byte
  std::vector<StateId> transitions_;  // [states, classes]
  std::vector<Frame> frames_;
  std::unordered_map<Position, uint32_t, PositionHash> frame_numbers_;
  std::unordered_map<std::string, StateId> state_numbers_;  // by positions and may_end
  std::unordered_map<std::string, StateId> loaded_;

  // Of the state that is being found.
  std::vector<Position> open_;
  std::vector<Position> seen_;  // all there were, until they are many
  std::unordered_set<Position, PositionHash> many_seen_;
  std::vector<Position> found_;
  std::vector<uint32_t> rounds_;  // frames pushed for a body that may be empty
  bool found_end_ = false;
  Loop found_loop_;
};

}  // namespace spyhop
