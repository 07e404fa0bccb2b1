// Rates of two kinds of work, taken in turns: on a machine whose speed changes by itself only their ratio means something.
#pragma once

#include <functional>
#include <vector>

namespace spyhop {

/// Something that can be done again and again.
struct Work {
  double amount = 0;  // of one call: bytes, operations, tokens
  std::function<void()> run;
};

/// Amount per second of calls for at least `min_seconds`; at least one call.
double rate_of(const Work& work, double min_seconds);

/// Rates per second, the i-th of both taken one right after the other.
struct RatePairs {
  std::vector<double> measured;
  std::vector<double> limit;
};

struct Rated {
  double value = 0;  // median
  double limit = 0;  // median
  double ratio = 0;  // median of the pairs' value / limit
  int num_pairs = 0;
  int num_quiet = 0;  // pairs during which no other process took a core; only these count, where there are any
};

/// Both vectors of one length, at least 1; limits above 0. All pairs count as quiet.
Rated summarize(const RatePairs& pairs);

/// `quiet`: the pairs among `all` that were.
Rated summarize(const RatePairs& all, const RatePairs& quiet);

struct PairOptions {
  int num_pairs = 7;
  double min_seconds = 0.05;  // of each half of a pair
};

/// Calls both once to warm up, then measures in turns. Pairs that others disturb are taken again, as many as were asked for.
Rated rate_against(const Work& measured, const Work& limit, const PairOptions& options);

double median(std::vector<double> values);  // 0 of none

}  // namespace spyhop
