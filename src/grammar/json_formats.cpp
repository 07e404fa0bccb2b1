#include "grammar/json_formats.h"

#include <map>

namespace spyhop {
namespace {

#define SPYHOP_LEAP_YEAR "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
#define SPYHOP_DATE                                                                                           \
  "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))" \
  "|" SPYHOP_LEAP_YEAR "-02-29)"
#define SPYHOP_TIME "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)"
#define SPYHOP_CLOCK "(\\d{1,6}S|\\d{1,6}M(\\d{1,6}S)?|\\d{1,6}H(\\d{1,6}M(\\d{1,6}S)?)?)"
#define SPYHOP_BYTE "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define SPYHOP_LABEL "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
#define SPYHOP_HOST SPYHOP_LABEL "(\\." SPYHOP_LABEL "){0,2}"
#define SPYHOP_PATH_CHAR "([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"

const std::map<std::string, const char*>& formats() {
  static const std::map<std::string, const char*> patterns{
      {"date", SPYHOP_DATE},
      {"time", SPYHOP_TIME},
      {"date-time", SPYHOP_DATE "T" SPYHOP_TIME},
      {"duration", "P((\\d{1,6}D|\\d{1,6}M(\\d{1,6}D)?|\\d{1,6}Y(\\d{1,6}M(\\d{1,6}D)?)?)(T" SPYHOP_CLOCK ")?|T" SPYHOP_CLOCK
                   "|\\d{1,6}W)"},
      {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
      {"email",
       "[a-zA-Z0-9_+-]{1,16}(\\.[a-zA-Z0-9_+-]{1,16}){0,3}@" SPYHOP_LABEL "(\\." SPYHOP_LABEL "){0,2}\\.[a-zA-Z]{2,18}"},
      {"hostname", SPYHOP_HOST},
      {"ipv4", SPYHOP_BYTE "(\\." SPYHOP_BYTE "){3}"},
      {"ipv6", "[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){7}"},
      {"uri", "[a-z][a-z0-9+.-]{1,15}://" SPYHOP_HOST "(:[1-9]\\d{0,3})?(/" SPYHOP_PATH_CHAR
              "{0,255}){0,32}(\\?" SPYHOP_PATH_CHAR "{0,255})?(#" SPYHOP_PATH_CHAR "{0,255})?"},
  };
  return patterns;
}

}  // namespace

const char* format_pattern(const std::string& format) {
  const auto found = formats().find(format);
  return found == formats().end() ? nullptr : found->second;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const auto& [name, pattern] : formats()) names.push_back(name);
  return names;
}

}  // namespace spyhop
