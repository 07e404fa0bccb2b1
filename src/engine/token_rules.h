// What a request says of single tokens, in ids of the vocabulary.
#pragma once

#include "prompt/tokenizer.h"
#include "runtime/token_bans.h"
#include "spyhop/chat.h"

namespace spyhop {

/// The rules of `request`. A bad word is out as the tokens of its text and, where they are as many, as those of the text after
/// a space. Throws Error{kInvalidRequest} naming the field: an id outside the vocabulary, a min_tokens over max_tokens, and
/// rules that might leave no token at all. Source: vLLM's SamplingParams.update_from_tokenizer for the two spellings of a bad
/// word.
TokenRules token_rules(const ChatRequest& request, const Tokenizer& tokenizer, int vocab_size);

}  // namespace spyhop
