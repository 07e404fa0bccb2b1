// The channel from the engine thread to the thread that answers a client.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: the engine thread pushes, one reader takes, either may cancel.
/// The engine never waits for a reader: text that piles up is joined, so the channel holds at most one answer's worth of it.
class ResponseChannel {
 public:
  void push(ChatEvent event);
  std::optional<ChatEvent> next(std::chrono::milliseconds timeout);
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<ChatEvent> events_;  // guarded by mutex_
};

/// The reader's end. Its death cancels the request.
class ChannelStream : public ResponseStream {
 public:
  explicit ChannelStream(std::shared_ptr<ResponseChannel> channel) : channel_(std::move(channel)) {}
  ~ChannelStream() override { channel_->cancel(); }
  ChannelStream(const ChannelStream&) = delete;
  ChannelStream& operator=(const ChannelStream&) = delete;

  std::optional<ChatEvent> next(std::chrono::milliseconds timeout) override { return channel_->next(timeout); }

 private:
  std::shared_ptr<ResponseChannel> channel_;
};

}  // namespace spyhop
