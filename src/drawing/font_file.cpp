#include "drawing/font_file.h"

// SPYHOP_LABEL_FONT is the path of the file, given by the build. Nothing writes to it, so it shares its pages with the page
// cache.
asm(R"(
  .section .rodata
  .balign 16
spyhop_label_font:
  .incbin ")" SPYHOP_LABEL_FONT R"("
  .previous
)");

namespace spyhop {

extern const uint8_t embedded_label_font[] __asm__("spyhop_label_font");

const uint8_t* label_font_file() {
  return embedded_label_font;
}

}  // namespace spyhop
