// The JSON object that a request's body must be.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "api/object_reader.h"
#include "api/request_fields.h"

namespace spyhop {

/// A body, parsed and held to the fields of its endpoint. Thread safety: one thread.
class RequestBody {
 public:
  /// Throws Error{kInvalidRequest} or Error{kTooLarge} for what is no JSON object within the limits, and Error{kUnsupported}
  /// naming a field that `fields` refuses. `fields` must outlive it.
  RequestBody(std::string text, const FieldTable& fields);
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;

  /// Reads fields that the table has as honoured; any other is an Error{kInternal}.
  const ObjectReader& reader() const { return reader_; }

  /// As it was sent: objects keep the order of their fields there.
  const std::string& text() const { return text_; }

  /// The model that the request names; empty when it names none.
  const std::string& model() const { return model_; }

 private:
  const std::string text_;
  nlohmann::json json_;
  const ObjectReader reader_;
  std::string model_;
};

}  // namespace spyhop
