// The fields of config.json and processor_config.json: types, ranges, defaults, and the rules between them.
#pragma once

#include "common/json_fields.h"
#include "registry/model_config.h"

namespace spyhop {

/// Reads the two documents; `processor` is an empty object when there is none. Problems go to the readers' list; what is
/// returned is of use only when there are none. Source: the configuration classes of modeling_deepseek_vl_v2.py and
/// configuration_deepseek.py, and DeepseekVLV2Processor.
ModelConfig read_model_config(JsonFields& config, JsonFields& processor);

/// The part of read_model_config for "language_config".
LanguageConfig read_language_config(JsonFields& fields);

}  // namespace spyhop
