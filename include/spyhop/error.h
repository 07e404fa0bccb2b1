// The one exception type of Spyhop.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace spyhop {

enum class ErrorCode {
  kInvalidRequest,         // a value in a request or a flag is not allowed
  kContextLengthExceeded,  // the prompt and the answer asked for do not fit the context
  kUnsupported,            // a known request field that cannot be honoured
  kUnauthorized,           // no API key, or a wrong one
  kForbidden,              // a fetch that the address guard refuses
  kNotFound,               // no such route or file
  kModelNotFound,          // the request names a model that is not served
  kMethodNotAllowed,       // the route exists, this method of it does not
  kTooLarge,               // a body, an image or a message over its limit
  kOverloaded,             // the queue is full: try again later
  kUnavailable,            // loading or draining: try again later
  kCancelled,              // the client went away
  kTimeout,                // the request's own time limit is over
  kModelLoad,              // a checkpoint that cannot be served
  kInternal,               // a defect of ours
};

/// Thrown everywhere, caught in three places: the route wrapper (becomes the JSON error object), the engine's step
/// (becomes an error event of the sequences of that step) and main (becomes the exit status).
class Error : public std::runtime_error {
 public:
  /// `message` names the thing, its value and what is allowed. `param` is the path of the request field or the name of
  /// the flag that is to blame, such as "messages[0].content[1].image_url"; empty when there is none.
  Error(ErrorCode code, const std::string& message, std::string param = {})
      : std::runtime_error(message), code_(code), param_(std::move(param)) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& param() const noexcept { return param_; }

  /// For errors that pass: when to try again. 0 = nothing is known.
  int retry_after_seconds() const noexcept { return retry_after_seconds_; }
  Error& retry_after(int seconds) {
    retry_after_seconds_ = seconds;
    return *this;
  }

 private:
  ErrorCode code_;
  std::string param_;
  int retry_after_seconds_ = 0;
};

}  // namespace spyhop
