// The subcommands of the program: each adds itself, with its options and its callback, to the application.
// A callback that fails throws spyhop::Error, or CLI::RuntimeError(status) after it has printed why.
#pragma once

#include <CLI/App.hpp>

namespace spyhop {

void add_launch_command(CLI::App& app);
void add_plan_command(CLI::App& app);
void add_download_command(CLI::App& app);
void add_verify_command(CLI::App& app);
void add_quantize_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_bench_serve_command(CLI::App& bench);
void add_bench_kernels_command(CLI::App& bench);
void add_bench_throughput_command(CLI::App& bench);
void add_bench_vision_command(CLI::App& bench);
void add_bench_load_command(CLI::App& bench);

}  // namespace spyhop
