// Decompression, and files that may be compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "spyhop/error.h"

namespace spyhop {

/// The data in a gzip file of one or more members. `name` is what messages call it. Throws Error{code}: damaged, cut off, or
/// more than `max_bytes` decompressed.
std::string gunzip(std::string_view compressed, size_t max_bytes, const std::string& name,
                   ErrorCode code = ErrorCode::kModelLoad);

/// read_text_file, and gunzip where the file begins with gzip's magic number. `max_bytes` bounds both forms.
std::string read_text_or_gzip_file(const std::string& path, size_t max_bytes, ErrorCode code = ErrorCode::kModelLoad);

}  // namespace spyhop
