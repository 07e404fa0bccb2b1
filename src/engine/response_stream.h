// The channel from the engine thread to the thread that answers a client.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "spyhop/engine.h"

namespace spyhop {

/// Thread safety: the engine thread pushes, one reader takes, either may cancel.
/// The engine never waits for a reader. Text that piles up is joined; when more than `max_bytes` of it do, the reader is given
/// up: what it has not taken is dropped for a StreamError{kTimeout}, and the request counts as cancelled.
class ResponseChannel {
 public:
  explicit ResponseChannel(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// After the event that ends the stream nothing more is taken in. Events of one choice keep their order.
  void push(ChatEvent event);
  std::optional<ChatEvent> next(std::chrono::milliseconds timeout);
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

 private:
  void give_up();

  const size_t max_bytes_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<ChatEvent> events_;  // guarded by mutex_
  size_t num_bytes_ = 0;          // guarded by mutex_: that events_ take
  bool ended_ = false;            // guarded by mutex_: the last event has been pushed
};

/// The reader's end. Its death cancels the request.
class ChannelStream : public ResponseStream {
 public:
  ChannelStream(std::shared_ptr<ResponseChannel> channel, const Usage& prompt_usage, std::vector<ImageUse> images = {})
      : channel_(std::move(channel)), prompt_usage_(prompt_usage), images_(std::move(images)) {}
  ~ChannelStream() override { channel_->cancel(); }
  ChannelStream(const ChannelStream&) = delete;
  ChannelStream& operator=(const ChannelStream&) = delete;

  std::optional<ChatEvent> next(std::chrono::milliseconds timeout) override { return channel_->next(timeout); }
  Usage prompt_usage() const override { return prompt_usage_; }
  std::vector<ImageUse> images() const override { return images_; }

 private:
  std::shared_ptr<ResponseChannel> channel_;
  const Usage prompt_usage_;
  const std::vector<ImageUse> images_;
};

}  // namespace spyhop
