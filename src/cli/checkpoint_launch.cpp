#include "cli/checkpoint_launch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/allowed_folders.h"
#include "cli/launch_settings.h"
#include "cli/model_source.h"
#include "cli/progress.h"
#include "common/available_memory.h"
#include "registry/registry.h"
#include "runtime/memory_plan.h"
#include "runtime/quantization.h"
#include "runtime/threads.h"
#include "spyhop/engine.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr const char* kServedFamily = "deepseek-vl2";

/// What the registry says of the model, or of the family that every checkpoint served belongs to.
ModelDescription describe_from_registry(const LaunchOptions& options, const std::string& uid) {
  const Registry registry = Registry::load();
  const std::vector<ModelFamily>& families = registry.families();
  const auto named = [&](const std::string& name) {
    return std::find_if(families.begin(), families.end(), [&](const ModelFamily& each) { return each.name == name; });
  };
  const auto own = named(options.engine.model_name);
  const auto found = own == families.end() ? named(kServedFamily) : own;
  ModelDescription description;
  description.uid = uid;
  description.name = options.engine.model_name.empty() ? uid : options.engine.model_name;
  description.engine = "libtorch";
  description.format = options.model_format;
  description.quantization = quantization_name(options.engine.runtime.quantization);
  if (found == families.end()) return description;
  description.languages = found->languages;
  description.abilities = found->abilities;
  description.text = found->description;
  if (own == families.end()) return description;
  if (!options.engine.model_size.empty()) {
    description.size_in_billions = found->variant(options.engine.model_size).size_in_billions;
  } else if (found->variants.size() == 1) {
    description.size_in_billions = found->variants.front().size_in_billions;
  }
  return description;
}

std::vector<FileDownload> to_files(const DownloadProgress& progress) {
  std::vector<FileDownload> files;
  for (const FileProgress& file : progress.files) {
    files.push_back({file.name, file.done_bytes, file.total_bytes, file.is_placed});
  }
  return files;
}

class CheckpointLaunch : public ModelLaunch {
 public:
  CheckpointLaunch(LaunchOptions options, const std::string& uid, int64_t memory_at_start, Metrics* metrics)
      : options_(std::move(options)),
        description_(describe_from_registry(options_, uid)),
        memory_at_start_(memory_at_start),
        metrics_(metrics) {
    options_.engine.model_name = uid;
  }

  ModelDescription describe() const override { return description_; }

  void fetch(const OnFiles& on_files) override {
    if (!options_.source || !options_.engine.model_path.empty()) return;
    FetchOptions fetch = visible_fetch(*options_.source);
    const auto show = fetch.download.on_progress;
    fetch.download.on_progress = [&](const DownloadProgress& progress) {
      on_files(to_files(progress));
      return show(progress);
    };
    const FetchedModel model = obtain_model(*options_.source, std::move(fetch));
    options_.engine.model_path = model.folder;
    description_.hub = model.hub;
    description_.model_id = model.model_id;
    description_.revision = model.revision;
  }

  int64_t plan_memory(int64_t held_bytes) override {
    EngineConfig planned = options_.engine;
    if (planned.runtime.device != DeviceType::kCpu) return 0;
    const ModelConfig model = planned.model_path.empty() ? registered_model_config(kServedFamily, planned.model_size)
                                                         : load_model_config(planned.model_path);
    if (planned.runtime.num_threads == 0) planned.runtime.num_threads = physical_cores();
    int64_t available = available_memory_bytes();
    if (available > 0) available = std::max<int64_t>(1, std::min(available, memory_at_start_ - held_bytes));
    const MemoryPlan plan = spyhop::plan_memory(model, planned, available);
    require_fit(plan, model, planned, available);
    RuntimeConfig& runtime = options_.engine.runtime;
    if (held_bytes > 0 && runtime.kv_cache_bytes == 0) runtime.kv_cache_tokens = plan.kv_tokens;
    return plan.total();
  }

  std::shared_ptr<Engine> load(const LoadProgress& progress) override {
    const auto begin = std::chrono::steady_clock::now();
    const auto show_and_tell = [&](double share) {
      show_progress(share);
      progress(share);
    };
    std::shared_ptr<Engine> engine = make_engine(options_.engine, show_and_tell, metrics_);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    spdlog::info("event=ready model={} context={} load_seconds={:.1f}", engine->model().id, engine->model().max_context,
                 took.count());
    return engine;
  }

 private:
  LaunchOptions options_;
  ModelDescription description_;
  const int64_t memory_at_start_;
  Metrics* const metrics_;
};

}  // namespace

LaunchFactory make_launch_factory(LaunchSettings settings) {
  const int64_t memory_at_start = available_memory_bytes();
  return [settings = std::move(settings), memory_at_start](const LaunchRequest& request) -> std::unique_ptr<ModelLaunch> {
    if (!request.model_path.empty()) {
      require_allowed_folder(request.model_path, settings.allowed_model_folders, "model_path");
    }
    LaunchOptions options = apply_launch_request(settings.defaults, request);
    resolve_launch_options(options);
    return std::make_unique<CheckpointLaunch>(std::move(options), request.model_uid, memory_at_start, settings.metrics);
  };
}

}  // namespace spyhop
