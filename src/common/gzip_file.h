// Reading whole files, compressed or not.
#pragma once

#include <cstddef>
#include <string>

namespace spyhop {

/// The bytes of a file; one that begins with gzip's magic number is decompressed. At most `max_bytes` either way.
/// Throws Error{kModelLoad}: the file cannot be read, is larger, or is damaged.
std::string read_file_or_gzip(const std::string& path, size_t max_bytes);

}  // namespace spyhop
