// How much memory a process may still take.
#pragma once

#include <cstdint>
#include <string>

namespace spyhop {

/// Bytes that can be had without swapping: what the kernel estimates for the machine, or less where a control group (version 1
/// or 2, this process's or one above it) allows less. Cached file contents count as available. 0 when the kernel does not say.
/// `root` stands before /proc and /sys, for tests.
int64_t available_memory_bytes(const std::string& root = "");

}  // namespace spyhop
