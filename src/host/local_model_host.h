// Several models in one process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/model_launch.h"
#include "spyhop/model_host.h"

namespace spyhop {

/// Each launch runs on a thread of its own. Several may download at the same time; one loads at a time, so that each finds the
/// memory that the ones before it have left.
class LocalModelHost : public ModelHost {
 public:
  /// `drain_timeout`: what running requests get when their model is terminated.
  LocalModelHost(LaunchFactory make_launch, std::chrono::milliseconds drain_timeout);
  /// Cancels launches and waits for their threads; drain() before, or running answers end at once.
  ~LocalModelHost() override;

  std::shared_ptr<Engine> find_engine(const std::string& model) const override;
  std::vector<std::shared_ptr<Engine>> engines() const override;
  bool is_loading() const override;

  std::string launch(const LaunchRequest& request) override;
  bool wait_ready(const std::string& uid, std::chrono::milliseconds timeout) override;
  std::vector<ModelStatus> models() const override;
  ModelStatus model(const std::string& uid) const override;
  LaunchProgress progress(const std::string& uid) const override;
  std::vector<ModelEvent> events(const std::string& uid) const override;
  void cancel(const std::string& uid) override;
  void terminate(const std::string& uid) override;

  /// For the end of the server: cancels launches, launches nothing any more, lets running requests end until `timeout`.
  void drain(std::chrono::milliseconds timeout);

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  using Lock = std::unique_lock<std::mutex>;

  EntryPtr find(const std::string& uid, const Lock& held) const;
  EntryPtr require(const std::string& uid, const Lock& held) const;
  std::string uids(const Lock& held) const;
  std::string choose_uid(const LaunchRequest& request, const Lock& held) const;
  int64_t held_bytes(const Entry& apart_from, const Lock& held) const;
  std::string held_text(const Entry& apart_from, const Lock& held) const;

  void run(const EntryPtr& entry);
  void run_steps(const EntryPtr& entry);
  void plan_memory(const EntryPtr& entry);
  void enter(const EntryPtr& entry, ModelState state);
  void check_wanted(const Entry& entry) const;
  void note_files(const EntryPtr& entry, const std::vector<FileDownload>& files);
  void fail(const EntryPtr& entry, const Error& error);
  void remove(const EntryPtr& entry, const Lock& held);
  void note(const std::string& uid, const std::string& type, const std::string& message, const Lock& held);
  void free_engine(std::shared_ptr<Engine> engine, std::chrono::milliseconds timeout) const;
  void join_ended();

  const LaunchFactory make_launch_;
  const std::chrono::milliseconds drain_timeout_;

  mutable std::mutex mutex_;  // guards all that follows
  mutable std::condition_variable changed_;
  std::vector<EntryPtr> entries_;   // in the order of their launches
  std::vector<std::thread> ended_;  // threads that have nothing left to do
  std::deque<ModelEvent> events_;
  int num_running_ = 0;         // threads of launches
  bool is_turn_taken_ = false;  // a launch loads
  bool is_closing_ = false;
};

}  // namespace spyhop
