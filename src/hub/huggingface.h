// Hugging Face: its API, and the cache of `hf download`.
#pragma once

#include "hub/hub.h"

namespace spyhop {

std::unique_ptr<Hub> make_huggingface(HubSettings settings);

/// The layout models--OWNER--NAME with blobs/DIGEST, snapshots/COMMIT/PATH (links to blobs) and refs/REVISION under `root`.
std::unique_ptr<ModelCache> make_huggingface_cache(const std::string& root, const std::string& model_id);

}  // namespace spyhop
