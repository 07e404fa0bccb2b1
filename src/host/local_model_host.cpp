#include "host/local_model_host.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "common/byte_size.h"
#include "common/problem_list.h"
#include "host/model_uid.h"

namespace spyhop {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kDownloadShare = 0.7;  // of a launch that downloads

bool is_on_its_way(ModelState state) {
  return state != ModelState::kReady && state != ModelState::kError && state != ModelState::kTerminating;
}

const char* event_of(ModelState state) {
  switch (state) {
    case ModelState::kDownloading:
      return "downloading";
    case ModelState::kLoading:
      return "loading";
    case ModelState::kReady:
      return "ready";
    default:
      return "launched";
  }
}

Error cancelled(const std::string& uid) {
  return Error(ErrorCode::kCancelled, "the launch of " + in_quotes(uid) + " was cancelled");
}

}  // namespace

struct LocalModelHost::Entry {
  std::string uid;
  std::unique_ptr<ModelLaunch> launch;  // used by the launch's thread; describe() by others while it is in no step
  std::thread thread;
  std::atomic<bool> is_cancelled{false};
  ModelStatus status;
  std::vector<FileDownload> files;
  Clock::time_point download_begin;
  double load_share = 0;
  std::shared_ptr<Engine> engine;
  std::optional<Error> failure;
  bool is_gone = false;  // no longer among the host's
};

LocalModelHost::LocalModelHost(LaunchFactory make_launch, std::chrono::milliseconds drain_timeout)
    : make_launch_(std::move(make_launch)), drain_timeout_(drain_timeout) {}

LocalModelHost::~LocalModelHost() {
  Lock lock(mutex_);
  is_closing_ = true;
  for (const EntryPtr& entry : entries_) entry->is_cancelled = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return num_running_ == 0; });
  std::vector<std::thread> ended = std::move(ended_);
  lock.unlock();
  for (std::thread& thread : ended) thread.join();
}

// --- finding ----------------------------------------------------------------------------------------------------------------

LocalModelHost::EntryPtr LocalModelHost::find(const std::string& uid, const Lock&) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const EntryPtr& entry) { return entry->uid == uid; });
  return found == entries_.end() ? nullptr : *found;
}

std::string LocalModelHost::uids(const Lock&) const {
  std::string names;
  for (const EntryPtr& entry : entries_) names += (names.empty() ? "" : ", ") + in_quotes(entry->uid);
  return names;
}

LocalModelHost::EntryPtr LocalModelHost::require(const std::string& uid, const Lock& held) const {
  EntryPtr entry = find(uid, held);
  if (entry) return entry;
  throw Error(ErrorCode::kModelNotFound,
              "there is no model " + in_quotes(uid) + "; " + (entries_.empty() ? "none is loaded" : "allowed: " + uids(held)),
              "model_uid");
}

std::shared_ptr<Engine> LocalModelHost::find_engine(const std::string& model) const {
  const Lock lock(mutex_);
  if (model.empty() && entries_.size() > 1) {
    throw Error(ErrorCode::kInvalidRequest, "model is missing, and there are several; allowed: " + uids(lock), "model");
  }
  EntryPtr entry = model.empty() ? (entries_.empty() ? nullptr : entries_.front()) : find(model, lock);
  if (!entry) {
    throw Error(ErrorCode::kModelNotFound,
                (model.empty() ? std::string("no model is loaded") : "the model " + in_quotes(model) + " is not served here") +
                    (entries_.empty() ? "; launch one with POST /v1/models or spyhop launch" : "; allowed: " + uids(lock)),
                "model");
  }
  if (entry->status.state == ModelState::kReady) return entry->engine;
  if (is_on_its_way(entry->status.state)) {
    throw Error(ErrorCode::kUnavailable, "the model " + in_quotes(entry->uid) + " is still loading; try again later", "model");
  }
  throw Error(ErrorCode::kModelNotFound,
              "the model " + in_quotes(entry->uid) +
                  (entry->failure ? " could not be loaded: " + std::string(entry->failure->what()) : " is being terminated"),
              "model");
}

std::vector<std::shared_ptr<Engine>> LocalModelHost::engines() const {
  const Lock lock(mutex_);
  std::vector<std::shared_ptr<Engine>> engines;
  for (const EntryPtr& entry : entries_) {
    if (entry->status.state == ModelState::kReady) engines.push_back(entry->engine);
  }
  return engines;
}

bool LocalModelHost::is_loading() const {
  const Lock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return is_on_its_way(entry->status.state); });
}

std::vector<ModelStatus> LocalModelHost::models() const {
  const Lock lock(mutex_);
  std::vector<ModelStatus> models;
  for (const EntryPtr& entry : entries_) models.push_back(entry->status);
  return models;
}

ModelStatus LocalModelHost::model(const std::string& uid) const {
  const Lock lock(mutex_);
  return require(uid, lock)->status;
}

LaunchProgress LocalModelHost::progress(const std::string& uid) const {
  const Lock lock(mutex_);
  const EntryPtr entry = require(uid, lock);
  LaunchProgress progress;
  progress.state = entry->status.state;
  progress.files = entry->files;
  progress.error = entry->status.error;
  if (progress.state == ModelState::kReady) progress.share = 1;
  int64_t done = 0;
  int64_t total = 0;
  for (const FileDownload& file : entry->files) {
    done += file.done_bytes;
    total += file.total_bytes;
  }
  if (progress.state == ModelState::kReady) return progress;
  const double downloaded = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  progress.share = total == 0 ? entry->load_share : kDownloadShare * downloaded + (1 - kDownloadShare) * entry->load_share;
  if (total > 0) progress.download_seconds = std::chrono::duration<double>(Clock::now() - entry->download_begin).count();
  return progress;
}

std::vector<ModelEvent> LocalModelHost::events(const std::string& uid) const {
  const Lock lock(mutex_);
  std::vector<ModelEvent> events;
  for (const ModelEvent& event : events_) {
    if (event.uid == uid) events.push_back(event);
  }
  if (events.empty()) require(uid, lock);
  return events;
}

// --- launching --------------------------------------------------------------------------------------------------------------

std::string LocalModelHost::choose_uid(const LaunchRequest& request, const Lock& held) const {
  if (!request.model_uid.empty()) {
    check_model_uid(request.model_uid);
    const EntryPtr taken = find(request.model_uid, held);
    if (!taken || taken->status.state == ModelState::kError) return request.model_uid;
    throw Error(ErrorCode::kInvalidRequest,
                "the model_uid " + in_quotes(request.model_uid) + " is taken; terminate that model first, or choose another",
                "model_uid");
  }
  const std::string name = default_model_uid(request);
  const EntryPtr taken = find(name, held);
  return !taken || taken->status.state == ModelState::kError ? name : name + "-" + random_characters(8);
}

std::string LocalModelHost::launch(const LaunchRequest& request) {
  constexpr size_t kMostLaunches = 64;
  join_ended();
  LaunchRequest decided = request;
  const auto entry = std::make_shared<Entry>();
  {
    const Lock lock(mutex_);
    decided.model_uid = choose_uid(request, lock);
  }
  entry->uid = decided.model_uid;
  entry->launch = make_launch_(decided);
  entry->status.description = entry->launch->describe();
  entry->status.created = std::time(nullptr);

  const Lock lock(mutex_);
  if (is_closing_) throw Error(ErrorCode::kUnavailable, "the server is shutting down");
  const EntryPtr taken = find(entry->uid, lock);
  if (taken && taken->status.state != ModelState::kError) {
    throw Error(ErrorCode::kInvalidRequest, "the model_uid " + in_quotes(entry->uid) + " is taken", "model_uid");
  }
  if (entries_.size() >= kMostLaunches) {
    throw Error(ErrorCode::kOverloaded, "there are " + std::to_string(entries_.size()) + " models, which is the limit");
  }
  if (taken) remove(taken, lock);
  entries_.push_back(entry);
  ++num_running_;
  note(entry->uid, event_of(ModelState::kPending), decided.model_name, lock);
  entry->thread = std::thread([this, entry] { run(entry); });
  return entry->uid;
}

/// The thread of a launch.
void LocalModelHost::run(const EntryPtr& entry) {
  try {
    run_steps(entry);
  } catch (const Error& error) {
    fail(entry, error);
  } catch (const std::bad_alloc&) {
    fail(entry, Error(ErrorCode::kModelLoad, "out of memory while the model was loaded"));
  } catch (const std::exception& error) {
    fail(entry, Error(ErrorCode::kInternal, error.what()));
  }
  std::unique_ptr<ModelLaunch> launch = std::move(entry->launch);
  launch.reset();  // before anybody is told that this launch is over
  const Lock lock(mutex_);
  ended_.push_back(std::move(entry->thread));
  --num_running_;
  changed_.notify_all();
}

void LocalModelHost::run_steps(const EntryPtr& entry) {
  enter(entry, ModelState::kDownloading);
  entry->launch->fetch([&](const std::vector<FileDownload>& files) { note_files(entry, files); });
  {
    Lock lock(mutex_);
    check_wanted(*entry);
    entry->status.state = ModelState::kPending;
    changed_.wait(lock, [&] { return !is_turn_taken_ || entry->is_cancelled; });
    check_wanted(*entry);
    is_turn_taken_ = true;
  }
  const auto give_turn = [this](const void*) {
    const Lock lock(mutex_);
    is_turn_taken_ = false;
    changed_.notify_all();
  };
  const std::unique_ptr<const void, decltype(give_turn)> turn(this, give_turn);
  plan_memory(entry);
  enter(entry, ModelState::kLoading);
  std::shared_ptr<Engine> engine = entry->launch->load([&](double share) {
    const Lock lock(mutex_);
    check_wanted(*entry);
    entry->load_share = share;
    if (share >= 1) entry->status.state = ModelState::kLaunching;
  });
  check_wanted(*entry);
  {
    const Lock lock(mutex_);
    entry->engine = std::move(engine);
    entry->status.description = entry->launch->describe();
    entry->status.description.context_length = entry->engine->model().max_context;
  }
  enter(entry, ModelState::kReady);
}

void LocalModelHost::plan_memory(const EntryPtr& entry) {
  int64_t held = 0;
  std::string models;
  {
    const Lock lock(mutex_);
    held = held_bytes(*entry, lock);
    models = held_text(*entry, lock);
  }
  try {
    const int64_t bytes = entry->launch->plan_memory(held);
    const Lock lock(mutex_);
    entry->status.memory_bytes = bytes;
  } catch (const Error& error) {
    if (models.empty()) throw;
    throw Error(error.code(), std::string(error.what()) + "\nor terminate a model that is loaded: " + models, error.param());
  }
}

int64_t LocalModelHost::held_bytes(const Entry& apart_from, const Lock&) const {
  int64_t bytes = 0;
  for (const EntryPtr& entry : entries_) bytes += entry.get() == &apart_from ? 0 : entry->status.memory_bytes;
  return bytes;
}

std::string LocalModelHost::held_text(const Entry& apart_from, const Lock&) const {
  std::string text;
  for (const EntryPtr& entry : entries_) {
    if (entry.get() == &apart_from || entry->status.memory_bytes == 0) continue;
    text += (text.empty() ? "" : ", ") + entry->uid + " (" + byte_size_text(entry->status.memory_bytes) + ")";
  }
  return text;
}

void LocalModelHost::check_wanted(const Entry& entry) const {
  if (entry.is_cancelled) throw cancelled(entry.uid);
}

void LocalModelHost::enter(const EntryPtr& entry, ModelState state) {
  const Lock lock(mutex_);
  check_wanted(*entry);
  entry->status.state = state;
  if (state != ModelState::kDownloading) note(entry->uid, event_of(state), "", lock);
  changed_.notify_all();
}

void LocalModelHost::note_files(const EntryPtr& entry, const std::vector<FileDownload>& files) {
  const Lock lock(mutex_);
  check_wanted(*entry);
  if (entry->files.empty() && !files.empty()) {
    entry->download_begin = Clock::now();
    note(entry->uid, event_of(ModelState::kDownloading), std::to_string(files.size()) + " files", lock);
  }
  entry->files = files;
}

void LocalModelHost::fail(const EntryPtr& entry, const Error& error) {
  const Lock lock(mutex_);
  entry->engine.reset();
  entry->status.memory_bytes = 0;
  entry->failure = entry->is_cancelled ? cancelled(entry->uid) : error;
  if (entry->is_cancelled) {
    note(entry->uid, "cancelled", "", lock);
    remove(entry, lock);
  } else {
    entry->status.state = ModelState::kError;
    entry->status.error = error.what();
    note(entry->uid, "error", error.what(), lock);
  }
  changed_.notify_all();
}

void LocalModelHost::remove(const EntryPtr& entry, const Lock&) {
  entry->is_gone = true;
  entries_.erase(std::remove(entries_.begin(), entries_.end(), entry), entries_.end());
}

bool LocalModelHost::wait_ready(const std::string& uid, std::chrono::milliseconds timeout) {
  Lock lock(mutex_);
  const EntryPtr entry = require(uid, lock);
  changed_.wait_for(lock, timeout, [&] { return entry->is_gone || entry->failure || !is_on_its_way(entry->status.state); });
  if (entry->failure) throw Error(*entry->failure);
  if (entry->is_gone || entry->status.state == ModelState::kTerminating) throw cancelled(uid);
  return entry->status.state == ModelState::kReady;
}

// --- ending -----------------------------------------------------------------------------------------------------------------

void LocalModelHost::cancel(const std::string& uid) {
  const Lock lock(mutex_);
  const EntryPtr entry = require(uid, lock);
  if (!is_on_its_way(entry->status.state)) {
    throw Error(ErrorCode::kInvalidRequest, "the model " + in_quotes(uid) + " is not being launched: nothing to cancel",
                "model_uid");
  }
  entry->is_cancelled = true;
  entry->status.state = ModelState::kTerminating;
  changed_.notify_all();
}

void LocalModelHost::terminate(const std::string& uid) {
  Lock lock(mutex_);
  const EntryPtr entry = require(uid, lock);
  if (entry->status.state == ModelState::kError) {
    note(uid, "terminated", "", lock);
    return remove(entry, lock);
  }
  const bool is_ours = entry->status.state == ModelState::kReady;
  entry->status.state = ModelState::kTerminating;
  if (!is_ours) {
    entry->is_cancelled = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return entry->is_gone; });
    return;
  }
  std::shared_ptr<Engine> engine = std::move(entry->engine);
  lock.unlock();
  free_engine(std::move(engine), drain_timeout_);
  lock.lock();
  note(uid, "terminated", "", lock);
  remove(entry, lock);
  changed_.notify_all();
}

/// Waits for those who still hold the engine, so that its memory can be had again.
void LocalModelHost::free_engine(std::shared_ptr<Engine> engine, std::chrono::milliseconds timeout) const {
  constexpr std::chrono::seconds kGrace{2};
  engine->drain(timeout);
  const std::weak_ptr<Engine> rest = engine;
  engine.reset();
  const auto deadline = Clock::now() + kGrace;
  while (!rest.expired() && Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

void LocalModelHost::drain(std::chrono::milliseconds timeout) {
  std::vector<std::thread> draining;
  {
    const Lock lock(mutex_);
    is_closing_ = true;
    for (const EntryPtr& entry : entries_) {
      if (is_on_its_way(entry->status.state)) entry->is_cancelled = true;
      if (entry->status.state != ModelState::kReady) continue;
      draining.emplace_back([engine = entry->engine, timeout] { engine->drain(timeout); });
    }
    changed_.notify_all();
  }
  for (std::thread& thread : draining) thread.join();
}

void LocalModelHost::join_ended() {
  std::vector<std::thread> ended;
  {
    const Lock lock(mutex_);
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void LocalModelHost::note(const std::string& uid, const std::string& type, const std::string& message, const Lock&) {
  constexpr size_t kMostEvents = 1000;
  events_.push_back({std::time(nullptr), uid, type, message, type == "error"});
  if (events_.size() > kMostEvents) events_.pop_front();
  spdlog::info("event=model_{} model={}{}", type, uid, message.empty() ? "" : " message=" + in_quotes(message, 1000));
}

}  // namespace spyhop
