// How the events of an answer become a body.
#pragma once

#include <string>
#include <vector>

#include "spyhop/chat.h"
#include "spyhop/error.h"

namespace spyhop {

/// An event of a stream as it is sent.
struct SseEvent {
  std::string json;
  std::string name{};  // empty: none is sent
};

/// An answer as one JSON object. One thread.
class AnswerBuilder {
 public:
  virtual ~AnswerBuilder() = default;

  /// Anything but a StreamError. Throws Error{kInternal} on an event of a choice that does not exist.
  virtual void add(const ChatEvent& event) = 0;

  /// After the StreamEnd.
  virtual std::string json() const = 0;
};

/// An answer event by event. One thread.
class StreamFormat {
 public:
  virtual ~StreamFormat() = default;

  virtual std::vector<SseEvent> begin() = 0;

  /// What `event`, which is no StreamError, gives rise to; may be nothing.
  virtual std::vector<SseEvent> add(const ChatEvent& event) = 0;

  /// The end of a stream that failed on the way.
  virtual std::vector<SseEvent> fail(const Error& error) = 0;

  /// Whether "[DONE]" follows the last event of a stream that went well.
  virtual bool says_done() const { return true; }
};

}  // namespace spyhop
