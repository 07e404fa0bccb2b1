#include "http/answers.h"

#include <spdlog/spdlog.h>

#include <new>

#include "api/error_json.h"

namespace spyhop {

std::string server_address(const RouteCall& call) {
  return call.request.get_header_value("Host");
}

void answer_json(httplib::Response& response, const std::string& json) {
  response.status = 200;
  response.set_content(json, "application/json");
}

void answer_error(httplib::Response& response, const Error& error) {
  const ErrorShape shape = error_shape(error.code());
  response.status = shape.status;
  response.set_content(error_body(error), "application/json");
  if (shape.retry_after_seconds > 0) {
    const int seconds = error.retry_after_seconds() > 0 ? error.retry_after_seconds() : shape.retry_after_seconds;
    response.set_header("Retry-After", std::to_string(seconds));
  } else {
    response.set_header("x-should-retry", "false");
  }
  if (error.code() == ErrorCode::kUnauthorized) response.set_header("WWW-Authenticate", "Bearer");
}

Error to_error(const std::exception_ptr& exception, const std::string& request_id) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kInternal) spdlog::error("request_id={} error=\"{}\"", request_id, e.what());
    return e;
  } catch (const std::bad_alloc&) {
    spdlog::error("request_id={} error=\"out of memory\"", request_id);
    return Error(ErrorCode::kUnavailable, "the server is out of memory; try again later");
  } catch (const std::exception& e) {
    spdlog::error("request_id={} error=\"{}\"", request_id, e.what());
  } catch (...) {
    spdlog::error("request_id={} error=\"an exception of unknown type\"", request_id);
  }
  return Error(ErrorCode::kInternal, "internal error; the server's log has the details under request id " + request_id);
}

}  // namespace spyhop
