// Answers of /v1/responses that later requests may ask for or go on from.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "spyhop/chat.h"

namespace spyhop {

struct StoredResponse {
  std::string id;
  std::string json;                       // the response's object
  std::string items;                      // the input's items: a JSON array
  std::vector<ChatMessage> conversation;  // that a further request goes on from: without instructions, with the answer
  std::string model_uid;                  // and
  std::string request_id;                 // of a response in progress, for ending it
  bool in_progress = false;

  size_t num_bytes() const;
};

struct ResponseStoreLimits {
  int max_responses = 1024;
  size_t max_bytes = size_t{64} << 20;
  std::chrono::seconds ttl{3600};
};

/// Keeps responses in memory; those over a limit go, the oldest first. Thread safety: any thread.
class ResponseStore {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ResponseStore(const ResponseStoreLimits& limits, std::function<Clock::time_point()> now = Clock::now)
      : limits_(limits), now_(std::move(now)) {}

  /// In place of the one of the same id, if there is one.
  void put(StoredResponse response);

  /// The response in progress becomes `response`; nothing happens when it has been erased or has ended meanwhile.
  void finish(StoredResponse response);

  /// Throws Error{kNotFound} naming `field` when there is none, or none any more.
  std::shared_ptr<const StoredResponse> get(const std::string& id, const std::string& field = {});

  /// Throws Error{kNotFound} as get().
  void erase(const std::string& id);

 private:
  struct Entry {
    std::shared_ptr<const StoredResponse> response;
    Clock::time_point put_at;
  };
  using Entries = std::list<Entry>;

  void erase(Entries::iterator entry);
  void drop_old();
  Entries::iterator find(const std::string& id, const std::string& field);

  const ResponseStoreLimits limits_;
  const std::function<Clock::time_point()> now_;
  std::mutex mutex_;
  Entries entries_;                                 // guarded by mutex_, the oldest first
  std::map<std::string, Entries::iterator> by_id_;  // guarded by mutex_
  size_t num_bytes_ = 0;                            // guarded by mutex_
};

}  // namespace spyhop
