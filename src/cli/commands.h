// The subcommands of the program: each adds itself, with its options and its callback, to the application.
// A callback that fails throws spyhop::Error, or CLI::RuntimeError(status) after it has printed why.
#pragma once

#include <CLI/App.hpp>

namespace spyhop {

/// Declares the program with all its commands. `app` outlives its use.
void declare_program(CLI::App& app);

void add_launch_command(CLI::App& app);
void add_serve_command(CLI::App& app);
void add_list_command(CLI::App& app);
void add_terminate_command(CLI::App& app);
void add_chat_command(CLI::App& app);
void add_generate_command(CLI::App& app);
void add_stop_cluster_command(CLI::App& app);
void add_config_command(CLI::App& app);
void add_plan_command(CLI::App& app);
void add_registrations_command(CLI::App& app);
void add_register_command(CLI::App& app);
void add_unregister_command(CLI::App& app);
void add_engine_command(CLI::App& app);
void add_download_command(CLI::App& app);
void add_cached_command(CLI::App& app);
void add_remove_cache_command(CLI::App& app);
void add_login_command(CLI::App& app);
void add_verify_command(CLI::App& app);
void add_quantize_command(CLI::App& app);
void add_bench_command(CLI::App& app);
void add_bench_serve_command(CLI::App& bench);
void add_bench_kernels_command(CLI::App& bench);
void add_bench_throughput_command(CLI::App& bench);
void add_bench_vision_command(CLI::App& bench);
void add_bench_load_command(CLI::App& bench);
void add_bench_constraint_command(CLI::App& bench);
void add_completion_command(CLI::App& app);
void add_man_command(CLI::App& app);

}  // namespace spyhop
