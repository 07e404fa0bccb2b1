#include "grammar/network.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "grammar/grammar_facts.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using Node = Network::Node;
using NodeId = Network::NodeId;
using ByteSet = Network::ByteSet;
using Op = Network::Op;
using ExprId = Grammar::ExprId;
using Kind = Grammar::Kind;

constexpr size_t kMaxUnrolledNodes = 64;  // a repetition that makes no more nodes than this is written out

/// Builds from the end: what an expression becomes depends on the node that comes after it.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const Grammar& grammar) : grammar_(grammar), facts_(find_facts(grammar)) {
    refuse_left_recursion(grammar, facts_);
    if (!facts_.can_end[grammar.rules()[0].body]) {
      throw Error(ErrorCode::kInvalidRequest, "no text matches, or none that ends");
    }
  }

  Network build() {
    return_ = add({Op::kReturn});
    dead_end_ = add({Op::kSplit});
    for (const Grammar::Rule& rule : grammar_.rules()) network_.rule_entries.push_back(expression(rule.body, return_));
    find_byte_classes();
    return std::move(network_);
  }

 private:
  NodeId add(const Node& node) {
    if (network_.nodes.size() >= grammar_.limits().max_nodes) {
      throw Error(ErrorCode::kInvalidRequest,
                  "the grammar is too large; allowed: " + std::to_string(grammar_.limits().max_nodes) + " nodes");
    }
    network_.nodes.push_back(node);
    return static_cast<NodeId>(network_.nodes.size() - 1);
  }

  uint32_t set_index(const ByteSet& set) {
    const auto [it, is_new] = set_indices_.emplace(set, static_cast<uint32_t>(network_.sets.size()));
    if (is_new) network_.sets.push_back(set);
    return it->second;
  }

  /// Equal ones are one node.
  NodeId byte(const ByteSet& set, NodeId next) {
    const uint32_t index = set_index(set);
    const auto key = uint64_t{index} << 32 | next;
    const auto found = byte_nodes_.find(key);
    if (found != byte_nodes_.end()) return found->second;
    return byte_nodes_[key] = add({Op::kByte, index, next});
  }

  NodeId split(const std::vector<NodeId>& targets) {
    if (targets.size() == 1) return targets[0];
    const NodeId node = add({Op::kSplit});
    set_targets(node, targets);
    return node;
  }

  void set_targets(NodeId node, const std::vector<NodeId>& targets) {
    network_.nodes[node].a = static_cast<uint32_t>(network_.targets.size());
    network_.nodes[node].b = static_cast<uint32_t>(targets.size());
    network_.targets.insert(network_.targets.end(), targets.begin(), targets.end());
  }

  NodeId expression(ExprId id, NodeId next) {
    if (!facts_.can_end[id]) return dead_end_;
    const Grammar::Expr& expr = grammar_.expr(id);
    switch (expr.kind) {
      case Kind::kBytes:
        for (size_t i = expr.bytes.size(); i-- > 0;) next = byte(ByteSet().set(static_cast<uint8_t>(expr.bytes[i])), next);
        return next;
      case Kind::kChars:
        return characters(expr.chars, next);
      case Kind::kSequence:
        for (size_t i = expr.parts.size(); i-- > 0;) next = expression(expr.parts[i], next);
        return next;
      case Kind::kChoice: {
        std::vector<NodeId> branches;
        for (const ExprId part : expr.parts) {
          if (facts_.can_end[part]) branches.push_back(expression(part, next));
        }
        return split(branches);
      }
      case Kind::kRepeat:
        return repetition(expr, next);
      case Kind::kRule:
        break;
    }
    return add({Op::kCall, expr.rule, next});
  }

  NodeId characters(const CharSet& set, NodeId next) {
    std::map<NodeId, ByteSet> leads;  // by what comes after the first byte
    for (const ByteRanges& ranges : utf8_ranges(set)) {
      NodeId rest = next;
      for (int i = ranges.length - 1; i > 0; --i) rest = byte(set_of(ranges.bytes[static_cast<size_t>(i)]), rest);
      leads[rest] |= set_of(ranges.bytes[0]);
    }
    std::vector<NodeId> branches;
    for (const auto& [rest, bytes] : leads) branches.push_back(byte(bytes, rest));
    return split(branches);
  }

  static ByteSet set_of(const ByteRange& range) {
    ByteSet set;
    for (int value = range.first; value <= range.last; ++value) set.set(static_cast<size_t>(value));
    return set;
  }

  NodeId repetition(const Grammar::Expr& expr, NodeId next) {
    const ExprId part = expr.parts[0];
    const auto [min, max] = expr.bounds;
    if (max == 0 || !facts_.can_end[part]) return next;
    if (max == kUnbounded && min <= 1) {
      const NodeId loop = add({Op::kSplit});
      network_.nodes[loop].loop_chars = loop_chars(part);
      const NodeId body = expression(part, loop);
      set_targets(loop, {body, next});
      return min == 0 ? loop : body;
    }
    if (max != kUnbounded && static_cast<size_t>(max) * unrolled_size(part) <= kMaxUnrolledNodes) {
      const NodeId end = next;
      for (int i = max; i > 0; --i) {
        next = expression(part, next);
        if (i > min) next = split({next, end});
      }
      return next;
    }
    return counted(expr, next);
  }

  NodeId counted(const Grammar::Expr& expr, NodeId next) {
    const ExprId part = expr.parts[0];
    Network::Repeat repeat;
    repeat.body = expression(part, return_);
    repeat.next = next;
    repeat.bounds = expr.bounds;
    repeat.body_may_be_empty = facts_.may_be_empty[part];
    if (repeat.body_may_be_empty) repeat.bounds.min = 0;
    network_.repeats.push_back(repeat);
    const NodeId node = add({Op::kRepeat, static_cast<uint32_t>(network_.repeats.size() - 1)});
    network_.nodes[node].loop_chars = loop_chars(part);
    return node;
  }

  /// Nodes that an expression makes, roughly; no matter how many once there are too many to write out.
  size_t unrolled_size(ExprId id) const {
    const Grammar::Expr& expr = grammar_.expr(id);
    size_t size = expr.kind == Kind::kBytes ? expr.bytes.size() : 1;
    if (expr.kind == Kind::kChars) size = utf8_ranges(expr.chars).size();
    for (size_t i = 0; i < expr.parts.size() && size <= kMaxUnrolledNodes; ++i) size += unrolled_size(expr.parts[i]);
    if (expr.kind == Kind::kRepeat) size *= static_cast<size_t>(std::clamp(expr.bounds.max, 1, int{kMaxUnrolledNodes}));
    return size;
  }

  /// The characters that match an expression by themselves, by their index; -1 where there are none.
  int loop_chars(ExprId id) {
    const Grammar::Expr& expr = grammar_.expr(id);
    CharSet set = expr.chars;
    if (expr.kind == Kind::kChoice) {
      for (const ExprId part : expr.parts) set = set.united(grammar_.expr(part).chars);
    }
    if (set.empty()) return -1;
    const auto found = std::find(network_.loop_chars.begin(), network_.loop_chars.end(), set);
    const auto index = found - network_.loop_chars.begin();
    if (found == network_.loop_chars.end()) network_.loop_chars.push_back(std::move(set));
    return static_cast<int>(index);
  }

  void find_byte_classes() {
    size_t num_classes = 1;
    std::array<int, 512> renamed{};
    for (const ByteSet& set : network_.sets) {
      renamed.fill(-1);
      size_t num_new = 0;
      for (size_t byte = 0; byte < 256; ++byte) {
        int& name = renamed[size_t{2} * network_.byte_classes[byte] + (set[byte] ? 1 : 0)];
        if (name < 0) name = static_cast<int>(num_new++);
        network_.byte_classes[byte] = static_cast<uint8_t>(name);
      }
      num_classes = num_new;
      if (num_classes == 256) break;
    }
    network_.class_bytes.resize(num_classes);
    for (size_t byte = 0; byte < 256; ++byte) network_.class_bytes[network_.byte_classes[byte]] = static_cast<uint8_t>(byte);
  }

  const Grammar& grammar_;
  GrammarFacts facts_;
  Network network_;
  std::unordered_map<ByteSet, uint32_t> set_indices_;
  std::unordered_map<uint64_t, NodeId> byte_nodes_;
  NodeId return_ = 0;
  NodeId dead_end_ = 0;
};

void refuse_missing_rules(const Grammar& grammar) {
  for (const Grammar::Rule& rule : grammar.rules()) {
    if (!rule.is_defined) throw Error(ErrorCode::kInvalidRequest, "rule \"" + rule.name + "\" is not defined");
  }
}

}  // namespace

size_t Network::num_bytes() const {
  return nodes.size() * sizeof(Node) + sets.size() * sizeof(ByteSet) + (targets.size() + rule_entries.size()) * sizeof(NodeId) +
         repeats.size() * sizeof(Repeat);
}

Network make_network(const Grammar& grammar) {
  refuse_missing_rules(grammar);
  return NetworkBuilder(grammar).build();
}

}  // namespace spyhop
