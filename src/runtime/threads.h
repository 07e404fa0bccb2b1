// The number of compute threads.
#pragma once

namespace spyhop {

/// Physical cores that this process may run on: its CPU affinity and its cgroup's CPU quota count. At least 1.
int physical_cores();

/// Makes `num_threads` (0 = physical_cores()) the calling thread's setting for ATen and OpenMP; nothing to do where it is
/// already.
void use_compute_threads(int num_threads);

}  // namespace spyhop
