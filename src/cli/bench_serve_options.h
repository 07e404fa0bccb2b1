// The flags of `spyhop bench serve`.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "bench/serve_bench.h"

namespace spyhop {

struct BenchServeOptions {
  ServeBenchOptions bench;
  std::string json_path;  // empty = none, "-" = standard output in place of the table

  // As they are spelled; resolve() makes values of them.
  double request_rate = 0;
  double duration = 0;
  double request_timeout = 600;
  std::string image_size = "384x384";
  std::vector<std::string> image_files;
  std::string interfere_image;
  double interfere_quiet = 5;
  bool is_multi_turn = false;
  bool ignore_eos = true;
  double memory_warmup = -1;
  int server_pid = 0;
};

void declare_bench_serve_options(CLI::App& command, BenchServeOptions& options);

/// The benchmark that the flags ask for. `command` tells which flags were given. Throws Error{kInvalidRequest} naming the flag.
ServeBenchOptions resolve(const CLI::App& command, const BenchServeOptions& options);

}  // namespace spyhop
