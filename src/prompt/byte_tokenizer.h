// A tokenizer that needs no files.
#pragma once

#include <memory>

#include "prompt/tokenizer.h"

namespace spyhop {

/// A token per byte, ids 0 to 255, then the special tokens of DeepSeek-VL2: for a checkpoint that is only a config.json, served
/// with random weights. Ids past its size, which such a model draws most, decode to a letter each: its answers are to be seen as
/// they come, token by token.
std::unique_ptr<Tokenizer> make_byte_tokenizer();

}  // namespace spyhop
