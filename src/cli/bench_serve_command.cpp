#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>

#include "bench/serve_bench.h"
#include "cli/bench_serve_options.h"
#include "cli/commands.h"
#include "cli/stop_signals.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr int kFailed = 1;
constexpr int kInterrupted = 130;  // as a shell reports Ctrl-C

/// Opens the file at once: a place that cannot be written to is told before the measurement, not after it.
std::ofstream open_report(const std::string& path) {
  std::ofstream file(path);
  if (!file) throw Error(ErrorCode::kInvalidRequest, "'" + path + "' cannot be written", "--json");
  return file;
}

void bench_serve(const ServeBenchOptions& options, const std::string& json_path) {
  const bool prints_json = json_path == "-";
  std::ofstream file;
  if (!json_path.empty() && !prints_json) file = open_report(json_path);
  StopSignals signals;
  bool is_stopped = false;
  const BenchEnvironment environment{
      [&] { return is_stopped = is_stopped || signals.wait_for(std::chrono::milliseconds(0)) != 0; },
      [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }};
  const ServeBenchReport report = run_serve_bench(options, environment);
  const std::string json = report.json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fputs(prints_json ? json.c_str() : report.text.c_str(), stdout);
  std::fflush(stdout);
  if (file.is_open() && !(file << json << std::flush)) {
    throw Error(ErrorCode::kInternal, "'" + json_path + "' could not be written to its end", "--json");
  }
  if (report.was_stopped) throw CLI::RuntimeError(kInterrupted);
  if (report.has_failures) throw CLI::RuntimeError(kFailed);
}

}  // namespace

void add_bench_serve_command(CLI::App& bench) {
  CLI::App* const serve =
      bench.add_subcommand("serve", "Sends a server of the OpenAI API requests: throughput, latencies, errors");
  const auto options = std::make_shared<BenchServeOptions>();
  declare_bench_serve_options(*serve, *options);
  serve->callback([serve, options] { bench_serve(resolve(*serve, *options), options->json_path); });
}

}  // namespace spyhop
