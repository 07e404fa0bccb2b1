#include "runtime/weights.h"

#include <ATen/ATen.h>

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <unordered_set>
#include <utility>

#include "common/available_memory.h"
#include "runtime/host_memory.h"
#include "runtime/quantization.h"
#include "runtime/tensor_fill.h"
#include "runtime/weight_plan.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr size_t kMaxListed = 20;

/// Problems of one kind; the list of a checkpoint of another size would be endless.
class CappedList {
 public:
  explicit CappedList(std::string kind) : kind_(std::move(kind)) {}

  void add(std::string problem) {
    if (++count_ <= kMaxListed) shown_.push_back(std::move(problem));
  }

  void move_to(ProblemList& all) {
    if (count_ > kMaxListed) {
      shown_.push_back("... and " + std::to_string(count_ - kMaxListed) + " more tensors are " + kind_);
    }
    for (std::string& problem : shown_) all.add(std::move(problem));
  }

 private:
  std::string kind_;
  std::vector<std::string> shown_;
  size_t count_ = 0;
};

bool is_weight_type(StoredType type) {
  return type == StoredType::kBF16 || type == StoredType::kF16 || type == StoredType::kF32;
}

at::ScalarType scalar_type(ComputeType compute) {
  return compute == ComputeType::kF32 ? at::kFloat : at::kBFloat16;
}

bool can_be_viewed(const StoredTensor& tensor, ComputeType compute) {
  const StoredType wanted = compute == ComputeType::kF32 ? StoredType::kF32 : StoredType::kBF16;
  return tensor.type == wanted && reinterpret_cast<uintptr_t>(tensor.data) % stored_type_bytes(tensor.type) == 0;
}

/// Whole pages of [data, data + num_bytes): their neighbours belong to other tensors too.
void advise_pages(const uint8_t* data, size_t num_bytes, int advice) {
  constexpr uintptr_t kPageBytes = 4096;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kPageBytes - 1) / kPageBytes * kPageBytes;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + num_bytes) / kPageBytes * kPageBytes;
  if (begin < end) static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, advice));  // only advice
}

/// Without a copy; the file stays mapped for as long as the tensor lives.
at::Tensor view_of(const SafetensorsFolder::Located& located, at::ScalarType type) {
  // from_blob asks for a mutable pointer; the tensor is read only by contract.
  const StoredTensor& stored = *located.tensor;
  void* data = const_cast<uint8_t*>(stored.data);
  advise_pages(stored.data, stored.num_bytes, MADV_WILLNEED);
  const auto let_go = [storage = located.file->storage(), from = stored.data, size = stored.num_bytes](void*) {
    advise_pages(from, size, MADV_DONTNEED);
  };
  return at::from_blob(data, stored.shape, let_go, at::TensorOptions().dtype(type));
}

/// Refuses what memory cannot hold; the kernel would grant it first and kill the process later.
void check_memory(int64_t needed, const std::string& what) {
  const int64_t available = available_memory_bytes();
  if (available == 0 || needed <= available) return;
  const auto mib = [](int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  throw Error(ErrorCode::kModelLoad, what + " need " + mib(needed) + " of memory; available: " + mib(available));
}

int64_t bytes_of(const TensorSpec& spec, at::ScalarType type) {
  return spec.num_elements() * static_cast<int64_t>(at::elementSize(type));
}

using Folder = std::shared_ptr<const SafetensorsFolder>;

Weights::Sources stored_sources(const Folder& folder, const std::vector<TensorSpec>& specs, const RuntimeConfig& runtime) {
  const at::ScalarType type = scalar_type(runtime.compute);
  Weights::Sources sources;
  for (const TensorSpec& spec : specs) {
    if (!spec.used || spec.type) continue;
    const auto make = [folder, spec, type, compute = runtime.compute]() -> at::Tensor {
      const SafetensorsFolder::Located located = folder->find(spec.name);
      if (can_be_viewed(*located.tensor, compute)) return view_of(located, type);
      at::Tensor tensor = allocate_tensor(spec.shape, type);
      run_fill_job(convert_job(*located.tensor, tensor));
      advise_pages(located.tensor->data, located.tensor->num_bytes, MADV_DONTNEED);
      return tensor;
    };
    sources[spec.name] = {make, bytes_of(spec, type)};
  }
  return sources;
}

/// Scales that keep activations finite through any number of layers: norms 1, biases 0, products of unit variance.
RandomFill dummy_fill(const TensorSpec& spec, uint64_t seed) {
  RandomFill random;
  random.seed = seed_of(spec.name, seed);
  const std::string& name = spec.name;
  const auto ends_with = [&name](const std::string& tail) {
    return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
  };
  if (spec.shape.size() == 1 && ends_with("bias")) return random;
  if (spec.shape.size() == 1 && ends_with(".weight")) {
    random.centre = 1.0F;
    return random;
  }
  int64_t fan_in = spec.shape.back();
  if (spec.shape.size() == 4) fan_in *= spec.shape[1] * spec.shape[2];  // a convolution's kernel
  random.amplitude = std::sqrt(3.0F / static_cast<float>(fan_in));
  return random;
}

Weights::Sources dummy_sources(const std::vector<TensorSpec>& specs, const RuntimeConfig& runtime) {
  const at::ScalarType type = scalar_type(runtime.compute);
  Weights::Sources sources;
  for (const TensorSpec& spec : specs) {
    if (!spec.used) continue;
    const auto make = [spec, type, seed = runtime.dummy_seed] {
      at::Tensor tensor = allocate_tensor(spec.shape, type);
      run_fill_job(random_job(dummy_fill(spec, seed), tensor));
      return tensor;
    };
    sources[spec.name] = {make, bytes_of(spec, type)};
  }
  return sources;
}

/// Matrices that a checkpoint stores as they are used: in place, where the file's alignment allows it.
Weights::MatrixSources stored_matrices(const Folder& folder, const std::vector<QuantizedMatrix>& matrices) {
  Weights::MatrixSources sources;
  for (const QuantizedMatrix& matrix : matrices) {
    const auto make = [folder, matrix] {
      const SafetensorsFolder::Located scales = folder->find(matrix.scales().name);
      at::Tensor scale_view = view_of(scales, at::kBFloat16);
      if (!can_be_viewed(*scales.tensor, ComputeType::kBf16)) {
        scale_view = allocate_tensor(scales.tensor->shape, at::kBFloat16);
        run_fill_job(convert_job(*scales.tensor, scale_view));
      }
      return kernels::PackedMatrix(matrix.shape, view_of(folder->find(matrix.name), at::kByte), scale_view);
    };
    sources[matrix.name] = {make, matrix.shape.num_bytes()};
  }
  return sources;
}

/// Takes the sources of quantized matrices out of `sources`, to be made and let go one after the other.
Weights::MatrixSources quantize_at_load(Weights::Sources& sources, const std::vector<QuantizedMatrix>& matrices) {
  Weights::MatrixSources result;
  for (const QuantizedMatrix& matrix : matrices) {
    std::vector<std::function<at::Tensor()>> makes;
    for (const std::string& name : matrix.sources) {
      makes.push_back(sources.at(name).make);
      sources.erase(name);
    }
    const auto make = [makes, shape = matrix.shape] {
      return shape.is_gated ? kernels::PackedMatrix::gated(makes.front()(), makes.back()(), shape.format)
                            : kernels::PackedMatrix(makes.front()(), shape.format);
    };
    result[matrix.name] = {make, matrix.shape.num_bytes()};
  }
  return result;
}

}  // namespace

ProblemList check_tensors(const SafetensorsFolder& folder, const std::vector<TensorSpec>& expected) {
  CappedList missing("missing"), extra("extra"), misshapen("misshapen"), mistyped("of a wrong dtype");
  std::unordered_set<std::string> names;
  for (const TensorSpec& spec : expected) {
    names.insert(spec.name);
    const SafetensorsFolder::Located located = folder.find(spec.name);
    if (located.tensor == nullptr) {
      if (spec.used) missing.add("tensor \"" + spec.name + "\", shape " + shape_text(spec.shape) + ", is missing");
      continue;
    }
    const std::string who = located.file->path() + ": tensor \"" + spec.name + "\"";
    if (located.tensor->shape != spec.shape) {
      misshapen.add(who + ": shape = " + shape_text(located.tensor->shape) + "; allowed: " + shape_text(spec.shape));
    }
    const bool fits = spec.type ? located.tensor->type == *spec.type : is_weight_type(located.tensor->type);
    if (!fits) {
      mistyped.add(who + ": dtype = " + std::string(stored_type_name(located.tensor->type)) +
                   "; allowed: " + (spec.type ? std::string(stored_type_name(*spec.type)) : "BF16, F16, F32"));
    }
  }
  for (const SafetensorsFile& file : folder.files()) {
    for (const StoredTensor& tensor : file.tensors()) {
      if (names.count(tensor.name) != 0) continue;
      extra.add(file.path() + ": tensor " + in_quotes(tensor.name) + ", shape " + shape_text(tensor.shape) +
                ", is no part of a model of this configuration");
    }
  }
  ProblemList all;
  for (CappedList* list : {&missing, &extra, &misshapen, &mistyped}) list->move_to(all);
  return all;
}

Weights::Weights(const Map& tensors) {
  for (const auto& [name, tensor] : tensors) {
    sources_[name] = {[kept = tensor] { return kept; }, static_cast<int64_t>(tensor.nbytes())};
    on_cpu_ = on_cpu_ && tensor.device().is_cpu();
  }
}

Weights::Weights(Sources sources, Progress progress, MatrixSources matrices)
    : sources_(std::move(sources)), matrices_(std::move(matrices)), progress_(std::move(progress)) {
  for (const auto& [name, source] : sources_) total_bytes_ += source.num_bytes;
  for (const auto& [name, source] : matrices_) total_bytes_ += source.num_bytes;
}

void Weights::count_made(int64_t num_bytes) const {
  made_bytes_ = std::min(total_bytes_, made_bytes_ + num_bytes);
  if (progress_) progress_(static_cast<double>(made_bytes_) / static_cast<double>(total_bytes_));
}

at::Tensor Weights::at(const std::string& name) const {
  const auto found = sources_.find(name);
  if (found == sources_.end()) throw Error(ErrorCode::kInternal, "weight \"" + name + "\" is not loaded");
  at::Tensor tensor = found->second.make();
  count_made(found->second.num_bytes);
  return tensor;
}

kernels::PackedMatrix Weights::matrix(const std::string& prefix) const {
  const auto found = matrices_.find(prefix + ".weight");
  if (found == matrices_.end()) return kernels::PackedMatrix(at(prefix + ".weight"));
  kernels::PackedMatrix matrix = found->second.make();
  count_made(found->second.num_bytes);
  return matrix;
}

kernels::PackedMatrix Weights::gated_matrix(const std::string& prefix) const {
  if (matrices_.count(prefix + ".gate_up_proj.weight") != 0) return matrix(prefix + ".gate_up_proj");
  return kernels::PackedMatrix::gated(at(prefix + ".gate_proj.weight"), at(prefix + ".up_proj.weight"));
}

Weights load_weights(const std::string& dir, const ModelConfig& config, const RuntimeConfig& runtime,
                     Weights::Progress progress) {
  const std::vector<TensorSpec> plain = expected_tensors(config);
  const bool is_dummy = runtime.load_format == LoadFormat::kDummy;
  const bool is_stored_quantized = !is_dummy && config.quantization != Quantization::kNone;
  const Quantization quantization = resolve_quantization(config, runtime);
  Weights::Sources sources;
  Weights::MatrixSources matrices;
  if (is_dummy) {
    sources = dummy_sources(plain, runtime);
  } else {
    const auto folder = std::make_shared<const SafetensorsFolder>(SafetensorsFolder::open(dir));
    const std::vector<TensorSpec> specs = is_stored_quantized ? quantized_tensors(plain, config.quantization) : plain;
    check_tensors(*folder, specs).throw_if_any(ErrorCode::kModelLoad, dir + ": the weights do not fit the configuration");
    sources = stored_sources(folder, specs, runtime);
    if (is_stored_quantized) matrices = stored_matrices(folder, quantized_matrices(plain, config.quantization));
  }
  if (quantization != Quantization::kNone && !is_stored_quantized) {
    matrices = quantize_at_load(sources, quantized_matrices(plain, quantization));
  }
  check_memory(plan_weights(config, runtime).num_bytes(),
               is_dummy ? "random weights of these dimensions" : dir + ": the weights");
  return Weights(std::move(sources), std::move(progress), std::move(matrices));
}

}  // namespace spyhop
