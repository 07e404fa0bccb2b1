#include "api/error_json.h"

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

Json error_object(const Error& error) {
  const ErrorShape shape = error_shape(error.code());
  return {{"message", error.what()},
          {"type", shape.type},
          {"param", error.param().empty() ? Json() : Json(error.param())},
          {"code", shape.code}};
}

}  // namespace

ErrorShape error_shape(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidRequest:
      return {400, "invalid_request_error", "invalid_value", 0};
    case ErrorCode::kContextLengthExceeded:
      return {400, "invalid_request_error", "context_length_exceeded", 0};
    case ErrorCode::kUnsupported:
      return {400, "invalid_request_error", "unsupported_parameter", 0};
    case ErrorCode::kUnauthorized:
      return {401, "invalid_request_error", "invalid_api_key", 0};
    case ErrorCode::kForbidden:
      return {403, "permission_error", "forbidden", 0};
    case ErrorCode::kNotFound:
      return {404, "invalid_request_error", "not_found", 0};
    case ErrorCode::kModelNotFound:
      return {404, "invalid_request_error", "model_not_found", 0};
    case ErrorCode::kMethodNotAllowed:
      return {405, "invalid_request_error", "method_not_allowed", 0};
    case ErrorCode::kTooLarge:
      return {413, "invalid_request_error", "too_large", 0};
    case ErrorCode::kOverloaded:
      return {429, "rate_limit_error", "overloaded", 1};
    case ErrorCode::kCancelled:
      return {499, "invalid_request_error", "cancelled", 0};
    case ErrorCode::kTimeout:
      return {504, "server_error", "timeout", 0};
    case ErrorCode::kUnavailable:
      return {503, "server_error", "unavailable", 5};
    case ErrorCode::kModelLoad:
      return {500, "server_error", "model_load_failed", 0};
    case ErrorCode::kInternal:
      break;
  }
  return {500, "server_error", "internal_error", 0};
}

ErrorCode error_code_of_status(int status) {
  switch (status) {
    case 404:
      return ErrorCode::kNotFound;
    case 405:
      return ErrorCode::kMethodNotAllowed;
    case 413:
      return ErrorCode::kTooLarge;
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return status < 500 ? ErrorCode::kInvalidRequest : ErrorCode::kInternal;
  }
}

std::string error_body(const Error& error) {
  return to_text({{"error", error_object(error)}, {"detail", error.what()}});
}

std::string error_event(const Error& error) {
  return to_text({{"error", error_object(error)}});
}

}  // namespace spyhop
