// Errors as HTTP tells them. The one table from ErrorCode to status, type and code.
#pragma once

#include <string>

#include "spyhop/error.h"

namespace spyhop {

struct ErrorShape {
  int status = 500;             // HTTP
  const char* type = "";        // OpenAI's "type"
  const char* code = "";        // OpenAI's "code"
  int retry_after_seconds = 0;  // 0 = trying again does not help
};

ErrorShape error_shape(ErrorCode code);

/// The code that stands for a status which no Error led to, such as those that the HTTP parser answers with.
ErrorCode error_code_of_status(int status);

/// {"error": {message, type, param, code}, "detail": message}: OpenAI's object and, for clients of xinference, "detail".
/// Bytes of the message that are not UTF-8 are replaced.
std::string error_body(const Error& error);

/// {"error": {...}} for the middle of a stream.
std::string error_event(const Error& error);

}  // namespace spyhop
