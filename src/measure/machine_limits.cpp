#include "measure/machine_limits.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "runtime/host_memory.h"
#include "runtime/thread_pool.h"

namespace spyhop {
namespace {

constexpr int64_t kReadChunk = int64_t{1} << 20;
constexpr double kChunkOperations = 4e7;  // some tens of microseconds of one core
constexpr int64_t kChunksPerThread = 32;
constexpr double kProbeSeconds = 0.02;
constexpr int kProbes = 3;
constexpr int64_t kProbeBytes = int64_t{512} << 20;

/// Pieces of regions that threads claim.
std::vector<MemoryRegion> cut(const std::vector<MemoryRegion>& regions) {
  std::vector<MemoryRegion> pieces;
  for (const MemoryRegion& region : regions) {
    for (int64_t begin = 0; begin < region.num_bytes; begin += kReadChunk) {
      pieces.push_back({region.data + begin, std::min(kReadChunk, region.num_bytes - begin)});
    }
  }
  return pieces;
}

double best_rate(const Work& work) {
  double best = 0;
  for (int i = 0; i < kProbes; ++i) best = std::max(best, rate_of(work, kProbeSeconds));
  return best;
}

}  // namespace

int64_t total_bytes(const std::vector<MemoryRegion>& regions) {
  int64_t bytes = 0;
  for (const MemoryRegion& region : regions) bytes += region.num_bytes;
  return bytes;
}

Work plain_read(const std::vector<MemoryRegion>& regions) {
  const auto run = [pieces = cut(regions), read = limit_loops().read] {
    std::atomic<uint64_t> seen{0};  // so that the reads are not for nothing
    parallel_for(static_cast<int64_t>(pieces.size()), [&](int64_t i) {
      const MemoryRegion& piece = pieces[static_cast<size_t>(i)];
      seen.fetch_or(read(piece.data, piece.num_bytes), std::memory_order_relaxed);
    });
  };
  return {static_cast<double>(total_bytes(regions)), run};
}

Work register_arithmetic(Arithmetic kind) {
  const ArithmeticLoop loop = limit_loops().of(kind);
  const auto rounds = static_cast<int64_t>(kChunkOperations / loop.operations_per_round);
  const int64_t num_chunks = kChunksPerThread * num_compute_threads();
  const auto run = [=] { parallel_for(num_chunks, [&](int64_t) { loop.run(rounds); }); };
  return {loop.operations_per_round * static_cast<double>(rounds * num_chunks), run};
}

MachineProbe::MachineProbe() : memory_(allocate_tensor({kProbeBytes}, at::kByte)) {
  region_ = {static_cast<const char*>(memory_.data_ptr()), kProbeBytes};
  memory_.fill_(1);  // pages that were never written all lie in one place
}

MachineState MachineProbe::take() const {
  MachineState state;
  state.read_bytes_per_s = best_rate(read());
  {
    ThreadPool one(1);
    const UsePool use_one(one);
    state.read_bytes_per_s_one_thread = best_rate(read());
  }
  state.f32_flops = best_rate(register_arithmetic(Arithmetic::kF32));
  state.bf16_flops = best_rate(register_arithmetic(Arithmetic::kBf16));
  state.int8_ops = best_rate(register_arithmetic(Arithmetic::kInt8));
  return state;
}

Work MachineProbe::copy() const {
  const int64_t half = region_.num_bytes / 2;
  const auto run = [from = static_cast<char*>(memory_.data_ptr()), half] {
    parallel_for(half / kReadChunk, [&](int64_t i) {
      std::memcpy(from + half + i * kReadChunk, from + i * kReadChunk, static_cast<size_t>(kReadChunk));
    });
  };
  return {static_cast<double>(half), run};
}

}  // namespace spyhop
