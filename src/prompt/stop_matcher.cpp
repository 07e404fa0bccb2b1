#include "prompt/stop_matcher.h"

#include <utility>

namespace spyhop {

StopMatcher::StopMatcher(const std::vector<std::string>& stops, bool include) : include_(include) {
  for (const std::string& stop : stops) {
    int node = 0;
    for (const char byte : stop) {
      const auto added = static_cast<int>(nodes_.size());
      const auto [it, is_new] = nodes_[static_cast<size_t>(node)].next.emplace(byte, added);
      const size_t depth = nodes_[static_cast<size_t>(node)].depth + 1;
      node = it->second;
      if (is_new) nodes_.emplace_back().depth = depth;
    }
    nodes_[static_cast<size_t>(node)].longest_stop = stop.size();
  }
  link_nodes();
}

/// Breadth first, so that the shorter nodes which a node falls back to are complete.
void StopMatcher::link_nodes() {
  std::vector<int> queue{0};
  for (size_t i = 0; i < queue.size(); ++i) {
    const int parent = queue[i];
    for (const auto& [byte, child] : nodes_[static_cast<size_t>(parent)].next) {
      Node& node = nodes_[static_cast<size_t>(child)];
      node.fallback = parent == 0 ? 0 : step(nodes_[static_cast<size_t>(parent)].fallback, byte);
      if (node.longest_stop == 0) node.longest_stop = nodes_[static_cast<size_t>(node.fallback)].longest_stop;
      queue.push_back(child);
    }
  }
}

int StopMatcher::step(int node, char byte) const {
  for (;;) {
    const Node& at = nodes_[static_cast<size_t>(node)];
    const auto it = at.next.find(byte);
    if (it != at.next.end()) return it->second;
    if (node == 0) return 0;
    node = at.fallback;
  }
}

std::string StopMatcher::push(std::string_view text) {
  if (matched_) return {};
  size_t position = held_.size();  // in held_
  held_.append(text);
  for (; position < held_.size(); ++position) {
    node_ = step(node_, held_[position]);
    const Node& node = nodes_[static_cast<size_t>(node_)];
    const size_t end = position + 1;
    if (node.longest_stop > 0 && end - node.longest_stop < match_.value_or(end)) {
      match_ = end - node.longest_stop;
      match_size_ = node.longest_stop;
    }
    if (match_ && end - node.depth >= *match_) return take_match();
  }
  const size_t num_ready = held_.size() - nodes_[static_cast<size_t>(node_)].depth;
  std::string ready = held_.substr(0, num_ready);
  held_.erase(0, num_ready);
  if (match_) *match_ -= num_ready;
  return ready;
}

std::string StopMatcher::finish() {
  if (matched_) return {};
  if (match_) return take_match();
  return std::exchange(held_, {});
}

std::string StopMatcher::take_match() {
  matched_ = true;
  stop_ = held_.substr(*match_, match_size_);
  held_.resize(*match_ + (include_ ? match_size_ : 0));
  return std::exchange(held_, {});
}

}  // namespace spyhop
