#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/bench_texts.h"
#include "cli/commands.h"
#include "prompt/byte_tokenizer.h"
#include "prompt/tokenizer.h"

namespace spyhop {
namespace {

using nlohmann::json;

constexpr size_t kTextBytes = 250'000;  // short enough to be encoded between two interruptions
constexpr int kNumRuns = 31;
constexpr double kMegabyte = 1e6;

/// Seconds that encoding a text takes, best first, and the number of tokens.
struct Timing {
  std::vector<double> seconds;
  size_t num_tokens = 0;

  double best() const { return seconds.front(); }
  double median() const { return seconds[seconds.size() / 2]; }
};

Timing time_encoding(const Tokenizer& tokenizer, const std::string& text) {
  using Clock = std::chrono::steady_clock;
  Timing timing;
  for (int run = 0; run < kNumRuns; ++run) {
    const Clock::time_point begin = Clock::now();
    timing.num_tokens = tokenizer.encode(text, SpecialTokens::kGrounding).size();
    timing.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  std::sort(timing.seconds.begin(), timing.seconds.end());
  return timing;
}

json measure(const Tokenizer& tokenizer, const std::string& name) {
  json result = {{"tokenizer", name}, {"texts", json::array()}, {"hostile", json::array()}};
  for (const BenchText& text : bench_texts(kTextBytes)) {
    const Timing timing = time_encoding(tokenizer, text.text);
    const double megabytes = static_cast<double>(text.text.size()) / kMegabyte;
    result["texts"].push_back({{"name", text.name},
                               {"bytes", text.text.size()},
                               {"tokens", timing.num_tokens},
                               {"best_mb_per_s", megabytes / timing.best()},
                               {"median_mb_per_s", megabytes / timing.median()}});
  }
  for (const BenchText& text : hostile_bench_texts()) {
    const Timing timing = time_encoding(tokenizer, text.text);
    result["hostile"].push_back(
        {{"name", text.name}, {"best_ms", timing.best() * 1000}, {"median_ms", timing.median() * 1000}});
  }
  return result;
}

void print_table(const json& result) {
  std::printf("tokenizer: %s\n\n", result["tokenizer"].get<std::string>().c_str());
  std::printf("%-10s %10s %10s %12s %14s\n", "text", "bytes", "tokens", "best MB/s", "median MB/s");
  for (const json& text : result["texts"]) {
    std::printf("%-10s %10zu %10zu %12.1f %14.1f\n", text["name"].get<std::string>().c_str(), text["bytes"].get<size_t>(),
                text["tokens"].get<size_t>(), text["best_mb_per_s"].get<double>(), text["median_mb_per_s"].get<double>());
  }
  std::printf("\n%-42s %10s %10s\n", "hostile text", "best ms", "median ms");
  for (const json& text : result["hostile"]) {
    std::printf("%-42s %10.2f %10.2f\n", text["name"].get<std::string>().c_str(), text["best_ms"].get<double>(),
                text["median_ms"].get<double>());
  }
}

struct TokenizerBenchOptions {
  std::string path;
  bool prints_json = false;
};

void bench_tokenizer(const TokenizerBenchOptions& options) {
  const std::unique_ptr<Tokenizer> tokenizer = options.path.empty() ? make_byte_tokenizer() : load_tokenizer(options.path);
  const json result = measure(*tokenizer, options.path.empty() ? "built in, one token per byte" : options.path);
  if (options.prints_json) {
    std::printf("%s\n", result.dump(2).c_str());
  } else {
    print_table(result);
  }
}

}  // namespace

void add_bench_command(CLI::App& app) {
  CLI::App* const bench = app.add_subcommand("bench", "Measures a server, or parts of it on this machine");
  bench->require_subcommand(1);
  CLI::App* const tokenizer =
      bench->add_subcommand("tokenizer", "Speed of encoding text, on one thread: best and median of several runs");
  const auto options = std::make_shared<TokenizerBenchOptions>();
  tokenizer->add_option("--tokenizer", options->path,
                        "Folder or file of the tokenizer; without it, the built-in one with a token per byte is measured");
  tokenizer->add_flag("--json", options->prints_json, "Prints JSON in place of a table");
  tokenizer->callback([options] { bench_tokenizer(*options); });
  add_bench_serve_command(*bench);
  add_bench_kernels_command(*bench);
  add_bench_throughput_command(*bench);
  add_bench_vision_command(*bench);
  add_bench_load_command(*bench);
  add_bench_constraint_command(*bench);
}

}  // namespace spyhop
