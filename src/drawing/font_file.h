// The font that is linked into the program.
#pragma once

#include <cstdint>

namespace spyhop {

/// A TrueType collection; its first face is the one for labels.
const uint8_t* label_font_file();

}  // namespace spyhop
