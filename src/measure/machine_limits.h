// The limits on all compute threads: what memory gives, and what the cores can multiply.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "measure/limit_loops.h"
#include "measure/paired_rates.h"

namespace spyhop {

struct MemoryRegion {
  const char* data = nullptr;
  int64_t num_bytes = 0;
};

int64_t total_bytes(const std::vector<MemoryRegion>& regions);

/// Reads all of the regions once per call, on the calling thread's pool; its amount is their bytes.
Work plain_read(const std::vector<MemoryRegion>& regions);

/// Some milliseconds of arithmetic in registers on all threads of the calling thread's pool; its amount is operations.
Work register_arithmetic(Arithmetic kind);

/// What the machine gave at some moment. Bandwidth of several threads changes by itself from minute to minute on shared hosts.
struct MachineState {
  double read_bytes_per_s = 0;  // all threads
  double read_bytes_per_s_one_thread = 0;
  double f32_flops = 0;  // operations per second, all threads
  double bf16_flops = 0;
  double int8_ops = 0;
};

/// Memory of its own, larger than any cache, to probe the machine with.
class MachineProbe {
 public:
  MachineProbe();

  /// Takes about a quarter of a second, on the calling thread's pool.
  MachineState take() const;

  /// A plain read of that memory.
  Work read() const { return plain_read({region_}); }

  /// A copy of one half of it to the other; its amount is the bytes that are copied.
  Work copy() const;

 private:
  at::Tensor memory_;
  MemoryRegion region_;
};

}  // namespace spyhop
