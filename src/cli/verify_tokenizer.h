// Conformance of a tokenizer with recorded cases.
#pragma once

#include <string>

namespace spyhop {

/// Runs the case files of `cases_folder` against the tokenizer in `path` (a folder, or a tokenizer's file) and prints a table:
/// file, cases, failures and the first one. Files are JSON lines, plain or compressed by gzip: encode, decode, stream, conv and
/// pretok for tokenizer.json; NAME.encode, NAME.decode and NAME.hf_llama for the SentencePiece model NAME.model in `path`.
/// Returns the exit status: 0 when there are cases and all of them hold. Throws Error{kModelLoad} for a tokenizer or a case
/// file that cannot be read.
int verify_tokenizer(const std::string& path, const std::string& cases_folder);

}  // namespace spyhop
