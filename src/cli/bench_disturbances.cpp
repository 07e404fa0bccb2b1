#include "cli/bench_disturbances.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "api/chat_request_json.h"
#include "bench/random_source.h"
#include "bench/request_body.h"
#include "bench/workload.h"
#include "prompt/byte_tokenizer.h"
#include "prompt/prepare.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr int kNumRequests = 2;
constexpr ImageSize kPhoto{2000, 1500};
constexpr size_t kPromptWords = 200;

class BusyProcess : public Disturbance {
 public:
  BusyProcess() {
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw Error(ErrorCode::kInternal, std::string("no process to disturb with: ") + std::strerror(errno));
    if (pid_ == 0) keep_busy(parent);
    ::kill(pid_, SIGSTOP);
  }
  ~BusyProcess() override {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  BusyProcess(const BusyProcess&) = delete;
  BusyProcess& operator=(const BusyProcess&) = delete;

  std::string name() const override { return "a busy process"; }
  void begin() override { ::kill(pid_, SIGCONT); }
  void end() override { ::kill(pid_, SIGSTOP); }

 private:
  /// In the child: nothing here may allocate.
  [[noreturn]] static void keep_busy(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    for (volatile uint64_t count = 0;;) count = count + 1;
  }

  pid_t pid_ = -1;
};

class RequestPreparation : public Disturbance {
 public:
  RequestPreparation(const std::string& model_path, const ProcessorConfig& processor) {
    context_.tokenizer = load(model_path);
    context_.processor = processor;
    for (uint64_t i = 0; i < kNumRequests; ++i) bodies_.push_back(make_request(i));
    for (const std::string& body : bodies_) threads_.emplace_back([this, &body] { prepare_again_and_again(body); });
  }
  ~RequestPreparation() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  RequestPreparation(const RequestPreparation&) = delete;
  RequestPreparation& operator=(const RequestPreparation&) = delete;

  std::string name() const override { return std::to_string(kNumRequests) + " requests being prepared"; }

  void begin() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      is_wanted_ = true;
    }
    changed_.notify_all();
  }

  /// Returns when the requests in hand are done: nothing of the disturbance reaches into what is measured next.
  void end() override {
    std::unique_lock<std::mutex> lock(mutex_);
    is_wanted_ = false;
    changed_.wait(lock, [this] { return num_working_ == 0; });
  }

 private:
  static std::shared_ptr<const Tokenizer> load(const std::string& model_path) {
    const fs::path folder(model_path);
    if (model_path.empty() || (!fs::exists(folder / "tokenizer.json") && !fs::exists(folder / "tokenizer.model"))) {
      return make_byte_tokenizer();
    }
    return load_tokenizer(model_path);
  }

  static std::string make_request(uint64_t seed) {
    RandomSource random(seed, /*stream=*/0);
    const std::string image = image_data_url(make_test_image(kPhoto, seed), "image");
    return *make_body({}, nlohmann::json::array({user_message(random_words(random, kPromptWords), {image})}), 1);
  }

  void prepare_again_and_again(const std::string& body) {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_wanted_ || is_over_; });
      if (is_over_) return;
      ++num_working_;
      while (is_wanted_ && !is_over_) {
        lock.unlock();
        prepare_prompt(parse_chat_request(body).request, context_);
        lock.lock();
      }
      --num_working_;
      changed_.notify_all();
    }
  }

  PrepareContext context_;
  std::vector<std::string> bodies_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_wanted_ = false;
  bool is_over_ = false;
  int num_working_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Disturbance> make_busy_process() {
  return std::make_unique<BusyProcess>();
}

std::unique_ptr<Disturbance> make_request_preparation(const std::string& model_path, const ProcessorConfig& processor) {
  return std::make_unique<RequestPreparation>(model_path, processor);
}

}  // namespace spyhop
