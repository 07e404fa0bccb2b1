// What is told about launches, in the shapes that clients of xinference parse.
#pragma once

#include <string>
#include <vector>

#include "spyhop/model_host.h"

namespace spyhop {

/// {"model_uid": UID}, the answer to POST /v1/models.
std::string launched_json(const std::string& uid);

/// GET /v1/models/instances: one entry for each model, with xinference's words for states: CREATING, LOADING, READY, ERROR,
/// TERMINATING.
std::string instances_json(const std::vector<ModelStatus>& models);

/// GET /v1/models/{model_uid}/progress.
std::string progress_json(const LaunchProgress& progress);

/// GET /v1/models/{model_uid}/replicas: always one. `address`: of this server.
std::string replicas_json(const ModelStatus& model, const std::string& address);

/// GET /v1/models/{model_uid}/events.
std::string events_json(const std::vector<ModelEvent>& events);

}  // namespace spyhop
