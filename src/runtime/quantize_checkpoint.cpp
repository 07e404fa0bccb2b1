#include "runtime/quantize_checkpoint.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/file.h"
#include "common/json_fields.h"
#include "registry/model_config.h"
#include "runtime/kernels/check.h"
#include "runtime/quantization.h"
#include "runtime/safetensors.h"
#include "runtime/safetensors_writer.h"
#include "runtime/thread_pool.h"
#include "runtime/threads.h"
#include "runtime/weights.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "config.json";
constexpr const char* kWeightsName = "model.safetensors";
constexpr size_t kMaxConfigBytes = size_t{4} << 20;
constexpr uintmax_t kMostCopiedBytes = uintmax_t{64} << 20;  // no file beside the weights is as large

bool ends_with(const std::string& name, const std::string& tail) {
  return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kModelLoad, what);
}

void prepare_folder(const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) refuse(to.string() + ": cannot be made: " + error.message());
  for (const fs::directory_entry& entry : fs::directory_iterator(to, error)) {
    const std::string name = entry.path().filename().string();
    if (name == kConfigName || ends_with(name, ".safetensors")) {
      refuse(to.string() + ": already holds " + name + "; allowed: a new or an empty folder");
    }
  }
}

/// Tokenizer, processor and what else belongs to the model but its weights and configuration.
bool is_copied(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code error;
  return entry.is_regular_file(error) && entry.file_size(error) <= kMostCopiedBytes && name != kConfigName &&
         !ends_with(name, ".safetensors") && !ends_with(name, ".index.json") && !ends_with(name, ".bin");
}

void copy_other_files(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    if (!is_copied(entry)) continue;
    const fs::path target = to / entry.path().filename();
    fs::copy_file(entry.path(), target, fs::copy_options::overwrite_existing, error);
    if (error) refuse(target.string() + ": cannot be written: " + error.message());
  }
}

std::string quantized_config(const fs::path& from, Quantization quantization) {
  const std::string path = (from / kConfigName).string();
  nlohmann::json config = parse_json(read_text_file(path, kMaxConfigBytes), path);
  config["quantization_config"] = {
      {"quant_method", "spyhop"}, {"format", quantization_name(quantization)}, {"group_size", kernels::kQuantizedGroup}};
  return config.dump(2) + "\n";
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.flush();
  if (!file) refuse(path.string() + ": cannot be written");
}

/// The new file's tensors: panels and scales first, whose sizes are multiples of 64 bytes, so that all of them are aligned.
struct Contents {
  std::vector<QuantizedMatrix> matrices;
  std::vector<const StoredTensor*> others;
  std::vector<TensorToWrite> tensors;
  uintmax_t num_bytes = 0;

  Contents(const SafetensorsFolder& folder, const std::vector<TensorSpec>& specs, Quantization quantization)
      : matrices(quantized_matrices(specs, quantization)) {
    for (const QuantizedMatrix& matrix : matrices) {
      for (const TensorSpec& part : {matrix.panels(), matrix.scales()}) tensors.push_back({part.name, *part.type, part.shape});
    }
    for (const TensorSpec& spec : specs) {
      const StoredTensor* tensor = is_quantizable(spec) ? nullptr : folder.find(spec.name).tensor;
      if (tensor != nullptr) others.push_back(tensor);  // ones that are never used may be missing
    }
    std::stable_sort(others.begin(), others.end(), [](const StoredTensor* a, const StoredTensor* b) {
      return a->num_bytes % 64 < b->num_bytes % 64;  // odd sizes last: they would misalign what follows
    });
    for (const StoredTensor* tensor : others) tensors.push_back({tensor->name, tensor->type, tensor->shape});
    for (const TensorToWrite& tensor : tensors) num_bytes += tensor.num_bytes();
  }
};

void require_space(const fs::path& to, uintmax_t needed) {
  std::error_code error;
  const fs::space_info space = fs::space(to, error);
  if (error || space.available >= needed) return;
  refuse(to.string() + ": the weights need " + std::to_string(needed >> 20) +
         " MiB; free on the disk: " + std::to_string(space.available >> 20) + " MiB");
}

void write_weights(const std::string& path, const Contents& contents, const Weights& weights) {
  SafetensorsWriter writer(path, contents.tensors);
  for (const QuantizedMatrix& matrix : contents.matrices) {
    const std::string prefix = matrix.name.substr(0, matrix.name.size() - std::string(".weight").size());
    const kernels::PackedMatrix packed = weights.matrix(prefix);
    writer.write(packed.panels().data_ptr(), packed.panels().nbytes());
    writer.write(packed.scales().data_ptr(), packed.scales().nbytes());
  }
  for (const StoredTensor* tensor : contents.others) writer.write(tensor->data, tensor->num_bytes);
  writer.finish();
}

}  // namespace

QuantizeResult quantize_checkpoint(const QuantizeOptions& options, void (*progress)(double share)) {
  const fs::path from(options.from);
  const fs::path to(options.to);
  const ModelConfig config = load_model_config(options.from);
  if (config.quantization != Quantization::kNone) {
    refuse(options.from + ": is quantized to " + quantization_name(config.quantization) +
           " already; needed: a plain checkpoint");
  }
  ThreadPool pool(options.num_threads > 0 ? options.num_threads : physical_cores());
  const UsePool use_pool(pool);
  const c10::InferenceMode inference_mode;
  RuntimeConfig runtime;
  runtime.quantization = options.quantization;
  const Weights weights = load_weights(options.from, config, runtime, progress);  // checks all tensors
  const SafetensorsFolder folder = SafetensorsFolder::open(options.from);
  const Contents contents(folder, expected_tensors(config), options.quantization);

  prepare_folder(to);
  require_space(to, contents.num_bytes);
  const fs::path part = to / (std::string(kWeightsName) + ".part");
  write_weights(part.string(), contents, weights);
  std::error_code error;
  fs::rename(part, to / kWeightsName, error);
  if (error) refuse(part.string() + ": cannot be renamed: " + error.message());
  copy_other_files(from, to);
  write_text(to / kConfigName, quantized_config(from, options.quantization));

  QuantizeResult result;
  result.bytes_after = static_cast<int64_t>(contents.num_bytes);
  for (const SafetensorsFile& file : folder.files()) {
    for (const StoredTensor& tensor : file.tensors()) result.bytes_before += static_cast<int64_t>(tensor.num_bytes);
  }
  return result;
}

}  // namespace spyhop
