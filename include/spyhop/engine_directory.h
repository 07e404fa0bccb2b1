// Which engine answers for which model: all that routes of inference know of the models of a server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: every member may be called from any thread.
class EngineDirectory {
 public:
  virtual ~EngineDirectory() = default;

  /// The engine that serves the model; `model` is what a request has in "model", and empty where it has none, which stands for
  /// the only model of the server. Who holds the pointer keeps the engine alive, even when the model is terminated meanwhile.
  /// Throws Error: kModelNotFound naming the models there are, kUnavailable for one that is on its way (with a time to come
  /// back), kInvalidRequest for an empty name where there are several; param is "model".
  virtual std::shared_ptr<Engine> find_engine(const std::string& model) const = 0;

  /// Those that serve now, in the order of their launches.
  virtual std::vector<std::shared_ptr<Engine>> engines() const = 0;

  /// Whether a model is on its way.
  virtual bool is_loading() const = 0;
};

}  // namespace spyhop
