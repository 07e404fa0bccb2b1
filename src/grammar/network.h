// A grammar as nodes that consume bytes, call rules and return from them.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "grammar/grammar.h"

namespace spyhop {

/// Immutable. A position in it is a node together with a stack of calls that have not returned.
struct Network {
  using NodeId = uint32_t;
  using ByteSet = std::bitset<256>;

  enum class Op : uint8_t {
    kByte,    // one byte of sets[a], then b
    kSplit,   // any of targets[a .. a + b - 1]; none: a dead end
    kCall,    // rule_entries[a], then b
    kReturn,  // to the call that is not over yet; at the end of the first rule: the end of the answer
    kRepeat,  // repeats[a], with the number of times it was gone through
  };

  struct Node {
    Op op = Op::kReturn;
    uint32_t a = 0;
    uint32_t b = 0;
    int loop_chars = -1;  // index in loop_chars: each of these characters leads back here, and counts as one time
  };

  struct Repeat {
    NodeId body = 0;  // ends with kReturn
    NodeId next = 0;
    RepeatBounds bounds;
    bool body_may_be_empty = false;
  };

  std::vector<Node> nodes;
  std::vector<ByteSet> sets;
  std::vector<NodeId> targets;
  std::vector<Repeat> repeats;
  std::vector<NodeId> rule_entries;
  std::vector<CharSet> loop_chars;
  std::array<uint8_t, 256> byte_classes{};  // bytes that no set tells apart have the same number
  std::vector<uint8_t> class_bytes;         // a byte of each class

  NodeId start() const { return rule_entries[0]; }
  size_t num_bytes() const;
};

/// Throws Error{kInvalidRequest}: a rule without a definition or with left recursion, by its name; a grammar that no text
/// matches; one over the limits.
Network make_network(const Grammar& grammar);

}  // namespace spyhop
