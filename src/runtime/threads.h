// How many compute threads there are to be.
#pragma once

namespace spyhop {

/// Physical cores that this process may run on: its CPU affinity and its cgroup's CPU quota count. At least 1.
int physical_cores();

/// Makes ATen's own operations run on the calling thread alone: what is worth more threads is in kernels/, on the runtime's pool, and
/// a second set of threads would only take its cores.
void keep_aten_serial();

}  // namespace spyhop
