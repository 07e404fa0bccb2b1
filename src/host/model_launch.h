// One model on its way into service, step by step.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spyhop/model_host.h"

namespace spyhop {

/// The steps of a launch, in their order; the host calls each once, from the thread of the launch. Each throws Error, and
/// passes on what the functions it is given throw, leaving nothing of the step behind.
class ModelLaunch {
 public:
  using OnFiles = std::function<void(const std::vector<FileDownload>& files)>;

  virtual ~ModelLaunch() = default;

  /// What is known of the model so far. Also between steps.
  virtual ModelDescription describe() const = 0;

  /// Makes the checkpoint a folder on this machine. `on_files` is called several times a second while files come.
  virtual void fetch(const OnFiles& on_files) = 0;

  /// The memory that the model will take, in bytes. `held_bytes`: planned for the models that are there. Throws
  /// Error{kModelLoad} when there is not enough left.
  virtual int64_t plan_memory(int64_t held_bytes) = 0;

  virtual std::shared_ptr<Engine> load(const LoadProgress& progress) = 0;
};

/// Makes a launch of a request whose uid has been decided. Throws Error for what makes no sense or does not exist.
using LaunchFactory = std::function<std::unique_ptr<ModelLaunch>(const LaunchRequest& request)>;

}  // namespace spyhop
