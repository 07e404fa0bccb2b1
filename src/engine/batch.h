// Scheduled sequences -> what the runner takes.
#pragma once

#include <vector>

#include "engine/image_features.h"
#include "engine/scheduler.h"
#include "runtime/runner.h"

namespace spyhop {

/// One chunk per scheduled sequence, with the rows of its images. Pure: nothing about the sequences changes.
std::vector<SequenceChunk> build_batch(const std::vector<ScheduledSequence>& scheduled, const ImageFeatures& images);

}  // namespace spyhop
