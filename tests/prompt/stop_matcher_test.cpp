#include "prompt/stop_matcher.h"

#include <gtest/gtest.h>

#include <ctime>

namespace spyhop {
namespace {

struct Shown {
  std::string text;
  bool matched;

  bool operator==(const Shown& other) const { return text == other.text && matched == other.matched; }
};

std::ostream& operator<<(std::ostream& out, const Shown& shown) {
  return out << '"' << shown.text << "\" matched=" << shown.matched;
}

Shown show(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(stops);
  std::string text;
  for (const std::string& piece : pieces) text += matcher.push(piece);
  text += matcher.finish();
  return {text, matcher.matched()};
}

/// The rule, spelled out: the stop that begins first ends the text.
Shown expected(const std::vector<std::string>& stops, const std::string& text) {
  size_t first = std::string::npos;
  for (const std::string& stop : stops) first = std::min(first, text.find(stop));
  return {text.substr(0, first), first != std::string::npos};
}

TEST(stop_matcher, PassesEverythingWithoutStops) {
  EXPECT_EQ(show({}, {"ab", "c"}), (Shown{"abc", false}));
}

TEST(stop_matcher, SaysWhichStopItWas) {
  StopMatcher matcher({"abcd", "bc", "x"});
  EXPECT_EQ(matcher.push("zzabc"), "zz");
  EXPECT_EQ(matcher.stop(), "");
  EXPECT_EQ(matcher.push("e"), "a");
  EXPECT_EQ(matcher.stop(), "bc");
}

TEST(stop_matcher, MayIncludeTheStop) {
  StopMatcher matcher({"cd"}, /*include=*/true);
  EXPECT_EQ(matcher.push("abc"), "ab");
  EXPECT_EQ(matcher.push("def"), "cd");
  EXPECT_TRUE(matcher.matched());
  StopMatcher at_the_end({"ab", "abcd"}, /*include=*/true);
  EXPECT_EQ(at_the_end.push("zab") + at_the_end.finish(), "zab");
  EXPECT_EQ(at_the_end.stop(), "ab");
}

TEST(stop_matcher, FindsAStopAcrossPieces) {
  EXPECT_EQ(show({"User:"}, {"Hi.\nUs", "er", ": more"}), (Shown{"Hi.\n", true}));
}

TEST(stop_matcher, GivesTextOnAsSoonAsItCannotBeginAStop) {
  StopMatcher matcher({"stop"});
  EXPECT_EQ(matcher.push("a st"), "a ");
  EXPECT_EQ(matcher.push("ar"), "star");
  EXPECT_EQ(matcher.push("s"), "");
  EXPECT_EQ(matcher.finish(), "s");
  EXPECT_FALSE(matcher.matched());
}

TEST(stop_matcher, GivesNothingAfterAMatch) {
  StopMatcher matcher({"."});
  EXPECT_EQ(matcher.push("one. two"), "one");
  EXPECT_TRUE(matcher.matched());
  EXPECT_EQ(matcher.push("three"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(stop_matcher, TheStopThatBeginsFirstWinsEvenWhenItEndsLater) {
  EXPECT_EQ(show({"abcd", "bc"}, {"xabc", "d"}), (Shown{"x", true}));
  EXPECT_EQ(show({"abcd", "bc"}, {"xabc", "e"}), (Shown{"xa", true}));
  EXPECT_EQ(show({"abcd", "bc"}, {"xabc"}), (Shown{"xa", true}));
}

TEST(stop_matcher, KeepsTheEarlierMatchWhenALaterOneIsFoundWhileWaiting) {
  EXPECT_EQ(show({"abcabX", "bc", "ca"}, {"abcab", "Y"}), (Shown{"a", true}));
}

TEST(stop_matcher, EveryCutOfEveryTextGivesTheSame) {
  const std::vector<std::vector<std::string>> stop_sets = {
      {"aab"}, {"ab", "ba"}, {"aaa", "ab"}, {"abab", "bb", "b"}, {"abba", "bb"}};
  for (const auto& stops : stop_sets) {
    for (int bits = 0; bits < 1 << 7; ++bits) {
      std::string text;
      for (int i = 0; i < 7; ++i) text += bits >> i & 1 ? 'b' : 'a';
      for (size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(show(stops, {text.substr(0, cut), text.substr(cut)}), expected(stops, text)) << text << " cut at " << cut;
      }
    }
  }
}

TEST(stop_matcher, LongStopsOfEqualLettersStayLinear) {
  const std::string letters(100'000, 'a');
  StopMatcher matcher({std::string(20'000, 'a') + "b", std::string(10'000, 'a') + "c"});
  const std::clock_t begin = std::clock();  // of this process: other work on the machine does not count
  std::string text;
  for (const char c : letters) text += matcher.push(std::string(1, c));
  text += matcher.finish();
  EXPECT_EQ(text, letters);
  EXPECT_LT(std::clock() - begin, 2 * CLOCKS_PER_SEC);
}

}  // namespace
}  // namespace spyhop
