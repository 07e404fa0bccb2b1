// Requests that are being answered, so that they can be ended from elsewhere.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace spyhop {

/// Thread safety: any thread.
class OpenRequests {
  using Key = std::pair<std::string, std::string>;

 public:
  /// One request, registered for as long as this lives.
  class Registration {
   public:
    Registration(OpenRequests& requests, std::string model_uid, std::string request_id) : requests_(requests) {
      const std::lock_guard<std::mutex> lock(requests_.mutex_);
      place_ = requests_.open_.emplace(Key(std::move(model_uid), std::move(request_id)), this);
    }
    ~Registration() {
      const std::lock_guard<std::mutex> lock(requests_.mutex_);
      requests_.open_.erase(place_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

    bool is_aborted() const { return is_aborted_; }

   private:
    friend class OpenRequests;

    OpenRequests& requests_;
    std::multimap<Key, Registration*>::iterator place_;
    std::atomic<bool> is_aborted_{false};
  };

  /// Ends the requests of this id; whoever answers them notices within a tenth of a second. Returns how many there were.
  int abort(const std::string& model_uid, const std::string& request_id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto [begin, end] = open_.equal_range(Key(model_uid, request_id));
    int count = 0;
    for (auto each = begin; each != end; ++each, ++count) each->second->is_aborted_ = true;
    return count;
  }

 private:
  std::mutex mutex_;
  std::multimap<Key, Registration*> open_;
};

}  // namespace spyhop
