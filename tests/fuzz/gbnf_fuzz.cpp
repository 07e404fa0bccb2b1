// Grammars in GBNF.
#include <string>

#include "common/utf8.h"
#include "follow_grammar.h"
#include "grammar/gbnf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  spyhop::fuzz::follow(
      [&] { return spyhop::parse_gbnf(text); },
      [](const std::string& answer) { spyhop::fuzz::check(spyhop::is_valid_utf8(answer), "an answer is UTF-8"); });
  return 0;
}
