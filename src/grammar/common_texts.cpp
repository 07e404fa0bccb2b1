#include "grammar/common_texts.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/utf8.h"
#include "grammar/automaton.h"
#include "grammar/network.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using ExprId = Grammar::ExprId;

constexpr size_t kMaxStates = 20'000;
constexpr int64_t kMaxSteps = 2'000'000;
constexpr size_t kMaxLetters = 500;
constexpr size_t kMaxLookUps = 2'000'000;  // of an automaton's next state

/// What the grammars ask of characters.
std::set<CharSet> asked_chars(const std::vector<TextSet>& sets) {
  std::set<CharSet> asked;
  for (const TextSet& set : sets) {
    for (Grammar::ExprId id = 0; id < set.grammar->num_exprs(); ++id) {
      const Grammar::Expr& expr = set.grammar->expr(id);
      if (expr.kind == Grammar::Kind::kChars) asked.insert(expr.chars);
      for (size_t at = 0; at < expr.bytes.size();
           at += static_cast<size_t>(utf8_length(static_cast<uint8_t>(expr.bytes[at])))) {
        const char32_t character = decode_utf8(expr.bytes.data() + at);
        asked.insert({{character, character}});
      }
    }
  }
  return asked;
}

/// Sets of characters that no grammar tells apart; each character is in one. Not all of them when they are too many.
std::vector<CharSet> alphabet(const std::vector<TextSet>& sets) {
  std::vector<CharSet> letters{CharSet::any()};
  for (const CharSet& chars : asked_chars(sets)) {
    if (letters.size() > kMaxLetters) break;
    std::vector<CharSet> parts;
    for (const CharSet& letter : letters) {
      for (const CharSet& part : {letter.intersected(chars), letter.without(chars)}) {
        if (!part.empty()) parts.push_back(part);
      }
    }
    letters = std::move(parts);
  }
  return letters;
}

/// One set's automaton; it can be asked about any text.
class TextReaderStates {
 public:
  explicit TextReaderStates(const TextSet& set)
      : is_inverted_(set.is_inverted), network_(make_network(*set.grammar)), automaton_(network_, limits()) {
    automaton_.begin();
  }

  Automaton::StateId start() { return automaton_.start(); }

  Automaton::StateId next(Automaton::StateId state, const std::string& character) {
    for (const char byte : character) state = automaton_.next(state, static_cast<uint8_t>(byte));
    return state;
  }

  bool accepts(Automaton::StateId state) const { return automaton_.may_end(state) != is_inverted_; }
  bool is_lost(Automaton::StateId state) const { return state == Automaton::kDead && !is_inverted_; }

 private:
  static AutomatonLimits limits() {
    AutomatonLimits limits;
    limits.max_steps = kMaxSteps;
    return limits;
  }

  bool is_inverted_;
  Network network_;
  Automaton automaton_;
};

class Explorer {
 public:
  Explorer(const std::vector<TextSet>& sets, const TextLengths& lengths) : lengths_(lengths), letters_(alphabet(sets)) {
    for (const TextSet& set : sets) readers_.push_back(std::make_unique<TextReaderStates>(set));
    for (const CharSet& letter : letters_) characters_.push_back(encode_utf8(letter.ranges()[0].first));
  }

  std::optional<TextStates> explore() {
    if (letters_.size() > kMaxLetters) return std::nullopt;
    Place start;
    for (const auto& reader : readers_) start.states.push_back(reader->start());
    number_of(start);
    for (size_t i = 0; i < places_.size(); ++i) {
      if (places_.size() > kMaxStates || i * letters_.size() * readers_.size() > kMaxLookUps) return std::nullopt;
      find_steps(i);
    }
    return without_dead_ends();
  }

 private:
  struct Place {
    std::vector<Automaton::StateId> states;
    int64_t count = 0;  // characters read, as far as they matter

    bool operator<(const Place& other) const { return count != other.count ? count < other.count : states < other.states; }
  };

  size_t number_of(const Place& place) {
    const auto [it, is_new] = numbers_.emplace(place, places_.size());
    if (!is_new) return it->second;
    places_.push_back(place);
    bool may_end = place.count >= lengths_.min;
    for (size_t i = 0; i < readers_.size(); ++i) may_end = may_end && readers_[i]->accepts(place.states[i]);
    found_.states.push_back({{}, may_end});
    return it->second;
  }

  void find_steps(size_t from) {
    const Place place = places_[from];
    const bool is_limited = lengths_.max != TextLengths::kNoLimit;
    if (is_limited && place.count == lengths_.max) return;
    std::map<size_t, CharSet> steps;
    for (size_t letter = 0; letter < letters_.size(); ++letter) {
      Place next;
      next.count = is_limited ? place.count + 1 : std::min(place.count + 1, lengths_.min);
      bool is_lost = false;
      for (size_t i = 0; i < readers_.size() && !is_lost; ++i) {
        next.states.push_back(readers_[i]->next(place.states[i], characters_[letter]));
        is_lost = readers_[i]->is_lost(next.states.back());
      }
      if (is_lost) continue;
      CharSet& chars = steps[number_of(next)];
      chars = chars.united(letters_[letter]);
    }
    for (auto& [to, chars] : steps) found_.states[from].steps.push_back({std::move(chars), to});
  }

  TextStates without_dead_ends() const {
    std::vector<std::vector<size_t>> before(found_.states.size());
    std::vector<bool> is_kept(found_.states.size());
    std::vector<size_t> open;
    for (size_t i = 0; i < found_.states.size(); ++i) {
      for (const TextStates::Step& step : found_.states[i].steps) before[step.to].push_back(i);
      if (found_.states[i].may_end) open.push_back(i);
    }
    while (!open.empty()) {
      const size_t state = open.back();
      open.pop_back();
      if (is_kept[state]) continue;
      is_kept[state] = true;
      open.insert(open.end(), before[state].begin(), before[state].end());
    }
    TextStates kept;
    if (!is_kept[0]) return kept;
    std::vector<size_t> numbers(found_.states.size());
    size_t num_kept = 0;
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = is_kept[i] ? num_kept++ : 0;
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (!is_kept[i]) continue;
      TextStates::State state{{}, found_.states[i].may_end};
      for (const TextStates::Step& step : found_.states[i].steps) {
        if (is_kept[step.to]) state.steps.push_back({step.chars, numbers[step.to]});
      }
      kept.states.push_back(std::move(state));
    }
    return kept;
  }

  TextLengths lengths_;
  std::vector<CharSet> letters_;
  std::vector<std::string> characters_;  // one of each letter
  std::vector<std::unique_ptr<TextReaderStates>> readers_;
  std::map<Place, size_t> numbers_;
  std::vector<Place> places_;
  TextStates found_;
};

/// States as rules.
class StatesWriter {
 public:
  StatesWriter(Grammar& grammar, const WriteChar& write_char) : grammar_(grammar), write_char_(write_char) {}

  ExprId write(const TextStates& texts) {
    std::vector<Grammar::RuleId> rules;
    for (size_t i = 0; i < texts.states.size(); ++i) rules.push_back(grammar_.add_rule("state of a string"));
    for (size_t i = 0; i < texts.states.size(); ++i) grammar_.define(rules[i], state(texts, i, rules));
    return grammar_.call(rules[0]);
  }

 private:
  ExprId state(const TextStates& texts, size_t number, const std::vector<Grammar::RuleId>& rules) {
    const TextStates::State& state = texts.states[number];
    std::vector<ExprId> ways;
    std::optional<ExprId> loop;
    for (const TextStates::Step& step : state.steps) {
      if (step.to == number) {
        loop = grammar_.repeat(chars(step.chars), {0, kUnbounded});
      } else {
        ways.push_back(grammar_.sequence({chars(step.chars), grammar_.call(rules[step.to])}));
      }
    }
    if (state.may_end) ways.push_back(grammar_.empty());
    const ExprId end = grammar_.choice(std::move(ways));
    return loop ? grammar_.sequence({*loop, end}) : end;
  }

  ExprId chars(const CharSet& set) {
    const auto known = chars_.find(set);
    if (known != chars_.end()) return known->second;
    return chars_[set] = write_char_ ? write_char_(set) : grammar_.chars(set);
  }

  Grammar& grammar_;
  const WriteChar& write_char_;
  std::map<CharSet, ExprId> chars_;
};

}  // namespace

std::optional<TextStates> common_texts(const std::vector<TextSet>& sets, const TextLengths& lengths) {
  Explorer explorer(sets, lengths);
  try {
    return explorer.explore();
  } catch (const Error&) {  // an automaton over its limits
    return std::nullopt;
  }
}

Grammar::ExprId add_texts(Grammar& grammar, const TextStates& texts, const WriteChar& write_char) {
  return StatesWriter(grammar, write_char).write(texts);
}

}  // namespace spyhop
