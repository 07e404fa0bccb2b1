// What generation is disturbed by while it is measured.
#pragma once

#include <memory>
#include <string>

#include "measure/throughput_bench.h"
#include "registry/model_config.h"

namespace spyhop {

/// A process that keeps one core busy. It is made at once: before any thread is started.
std::unique_ptr<Disturbance> make_busy_process();

/// Two threads that do what those of the HTTP server do with requests that come meanwhile: parse JSON, decode, resize and tile
/// an image, tokenize. `model_path`: the folder of the tokenizer; empty, or one without: the built-in tokenizer. Throws Error.
std::unique_ptr<Disturbance> make_request_preparation(const std::string& model_path, const ProcessorConfig& processor);

}  // namespace spyhop
