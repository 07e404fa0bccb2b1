// The two hubs' protocols over a small server, and what can go wrong with them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/sha256.h"
#include "http_server.h"
#include "hub/content_hash.h"
#include "hub/fetch_model.h"

namespace spyhop::testing {

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
inline const std::string kModelId = "deepseek-ai/deepseek-vl2-tiny";

/// How files are sent. Each count goes down by one with every answer that it spoils.
struct Trouble {
  size_t drop_after = 0;  // bytes of an answer's body before the connection is closed; 0 = never
  bool sends_no_ranges = false;
  bool refuses_ranges = false;  // 416
  int num_errors = 0;           // answers with error_status
  int error_status = 503;
  std::string error_headers;
  int num_wrong = 0;       // answers with another content of the same size
  int num_stalls = 0;      // answers that stop after one byte, the connection held
  int gate = 0;            // status for requests of files without the token; 0 = none
  bool redirects = false;  // to another host
  int expires_every = 0;   // of so many answers of that host one is 403; 0 = none
  bool lists_wrong_size = false;
  std::chrono::microseconds pause_per_piece{0};
};

/// Deterministic bytes that no two places of a file share.
inline std::string noise(size_t size, uint64_t seed) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

inline std::string git_digest(const std::string& content) {
  ContentHash hash(ContentDigest::Kind::kGitBlob, static_cast<int64_t>(content.size()));
  hash.update(content.data(), content.size());
  return hash.hex();
}

class FakeHub {
 public:
  FakeHub()
      : files_{{"config.json", R"({"model_type":"deepseek_vl_v2"})"},
               {"tokenizer.json", noise(50'000, 1)},
               {"model-00001-of-000001.safetensors", noise(1'000'000, 2)},
               {"model.safetensors.index.json", R"({"weight_map":{"a":"model-00001-of-000001.safetensors"}})"},
               {"README.md", "# A model"},
               {"figures/picture.png", noise(1000, 3)},
               {"modeling.py", "raise SystemExit"}},
        cdn_([this](const ServerRequest& request, const HttpServer::Send& send) { return answer_cdn(request, send); }),
        hub_([this](const ServerRequest& request, const HttpServer::Send& send) { return answer_hub(request, send); }) {}

  ~FakeHub() { is_released_ = true; }
  FakeHub(const FakeHub&) = delete;
  FakeHub& operator=(const FakeHub&) = delete;

  std::string url() const { return hub_.url(); }
  static constexpr const char* kToken = "hf_secret";

  /// Changes what goes wrong from now on.
  template <typename Change>
  void set_trouble(const Change& change) {
    const std::lock_guard<std::mutex> lock(mutex_);
    change(trouble_);
  }
  std::map<std::string, std::string> files() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return files_;
  }
  std::string file(const std::string& path) const { return files().at(path); }
  void set_file(const std::string& path, const std::string& content) {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_[path] = content;
  }
  void remove_file(const std::string& path) {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_.erase(path);
  }
  /// Bytes per file that no client needs.
  static bool is_wanted(const std::string& path) {
    return path.find('/') == std::string::npos && path != "README.md" && path != "modeling.py";
  }
  int64_t wanted_bytes() const {
    int64_t total = 0;
    for (const auto& [path, content] : files()) total += is_wanted(path) ? static_cast<int64_t>(content.size()) : 0;
    return total;
  }

  struct Seen {
    std::string server;  // "hub" or "cdn"
    ServerRequest request;
  };
  std::vector<Seen> seen() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return seen_;
  }
  void forget() {
    const std::lock_guard<std::mutex> lock(mutex_);
    seen_.clear();
    num_sent_ = 0;
  }
  /// Requests for files' contents.
  size_t num_file_requests() const {
    size_t count = 0;
    for (const Seen& each : seen()) {
      const std::string& target = each.request.target;
      count += target.find("/resolve/") != std::string::npos || target.find("FilePath=") != std::string::npos ? 1 : 0;
    }
    return count;
  }
  /// Bytes of files that were sent.
  int64_t num_sent() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return num_sent_;
  }

 private:
  bool reply(const HttpServer::Send& send, int status, const std::string& headers, const std::string& body) {
    const std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
                             "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return send(text.data(), text.size());
  }

  void remember(const char* server, const ServerRequest& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    seen_.push_back({server, request});
  }

  Trouble trouble() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return trouble_;
  }

  bool count_down(int Trouble::*count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (trouble_.*count == 0) return false;
    --(trouble_.*count);
    return true;
  }

  bool answer_hub(const ServerRequest& request, const HttpServer::Send& send) {
    remember("hub", request);
    const std::string& target = request.target;
    const std::string api = "/api/models/" + kModelId + "/revision/";
    const std::string scope = "/api/v1/models/" + kModelId + "/repo";
    if (target == "/") return reply(send, 200, "", "");
    if (target.rfind(api, 0) == 0) return list_huggingface(target.substr(api.size()), send);
    if (target.rfind(scope + "/files?", 0) == 0) return list_modelscope(target, send);
    const std::string resolve = "/" + kModelId + "/resolve/" + kCommit + "/";
    const std::string file_path = scope + "?Revision=master&FilePath=";
    std::string path;
    if (target.rfind(resolve, 0) == 0) path = target.substr(resolve.size());
    if (target.rfind(file_path, 0) == 0) path = target.substr(file_path.size());
    if (path.empty()) return reply(send, 404, "X-Error-Code: RepoNotFound\r\n", R"({"Message":"no such model"})");
    if (files().count(path) == 0) return reply(send, 404, "X-Error-Code: EntryNotFound\r\n", "");
    const Trouble trouble = this->trouble();
    if (trouble.gate != 0 && request.header("authorization") != std::string("Bearer ") + kToken) {
      return reply(send, trouble.gate, "X-Error-Code: GatedRepo\r\n", "");
    }
    if (trouble.redirects) {
      return reply(send, 302, "Location: " + cdn_.url("localhost") + "/signed/" + path + "?sig=1\r\n", "Found. Redirecting");
    }
    return send_file(path, request, send);
  }

  bool answer_cdn(const ServerRequest& request, const HttpServer::Send& send) {
    remember("cdn", request);
    const std::string prefix = "/signed/";
    const int expires_every = trouble().expires_every;
    const bool expires = expires_every > 0 && ++num_signed_ % expires_every == 0;
    if (expires) return reply(send, 403, "", "expired");
    return send_file(request.target.substr(prefix.size(), request.target.find('?') - prefix.size()), request, send);
  }

  bool list_huggingface(const std::string& rest, const HttpServer::Send& send) {
    const std::string revision = rest.substr(0, rest.find('?'));
    if (revision != "main" && revision != kCommit && revision != "v1.0") {
      return reply(send, 404, "X-Error-Code: RevisionNotFound\r\n", R"({"error":"Invalid rev id"})");
    }
    nlohmann::json siblings = nlohmann::json::array();
    for (const auto& [path, content] : files()) {
      const size_t size = content.size() + (trouble().lists_wrong_size && path == "config.json" ? 1 : 0);
      nlohmann::json entry{{"rfilename", path}, {"size", size}, {"blobId", git_digest(content)}};
      if (path.find(".safetensors") != std::string::npos && path.find(".json") == std::string::npos) {
        entry["lfs"] = {{"sha256", sha256_hex(content)}, {"size", size}, {"pointerSize", 135}};
      }
      siblings.push_back(entry);
    }
    return reply(send, 200, "Content-Type: application/json\r\n",
                 nlohmann::json{{"id", kModelId}, {"sha", kCommit}, {"siblings", siblings}}.dump());
  }

  bool list_modelscope(const std::string& target, const HttpServer::Send& send) {
    if (target.find("Revision=master&") == std::string::npos) {
      return reply(send, 404, "", R"({"Code":10010205001,"Message":"revision not exist","Success":false})");
    }
    nlohmann::json list = nlohmann::json::array();
    list.push_back({{"Name", "figures"}, {"Path", "figures"}, {"Type", "tree"}, {"Size", 0}, {"Sha256", ""}});
    for (const auto& [path, content] : files()) {
      list.push_back({{"Name", path.substr(path.find('/') + 1)},
                      {"Path", path},
                      {"Type", "blob"},
                      {"Size", content.size()},
                      {"Sha256", sha256_hex(content)},
                      {"Revision", kCommit}});
    }
    return reply(send, 200, "Content-Type: application/json\r\n",
                 nlohmann::json{{"Code", 200}, {"Success", true}, {"Data", {{"Files", list}}}}.dump());
  }

  bool send_file(const std::string& path, const ServerRequest& request, const HttpServer::Send& send) {
    const Trouble trouble = this->trouble();
    if (count_down(&Trouble::num_errors)) return reply(send, trouble.error_status, trouble.error_headers, "trouble");
    std::string content = file(path);
    if (count_down(&Trouble::num_wrong)) content = noise(content.size(), 99);
    const std::string range = request.header("range");
    size_t begin = 0;
    size_t end = content.size();
    if (!range.empty()) {
      if (trouble.refuses_ranges) return reply(send, 416, "Content-Range: bytes */" + std::to_string(end) + "\r\n", "");
      begin = std::stoull(range.substr(range.find('=') + 1));
      end = std::stoull(range.substr(range.find('-') + 1)) + 1;
    }
    if (!content.empty() && (begin >= end || end > content.size())) return reply(send, 416, "", "");
    const bool is_partial = !range.empty() && !trouble.sends_no_ranges;
    if (!is_partial) {
      begin = 0;
      end = content.size();
    }
    std::string head = is_partial ? "HTTP/1.1 206 X\r\nContent-Range: bytes " + std::to_string(begin) + "-" +
                                        std::to_string(end - 1) + "/" + std::to_string(content.size()) + "\r\n"
                                  : "HTTP/1.1 200 X\r\n";
    head += "Content-Length: " + std::to_string(end - begin) + "\r\n\r\n";
    if (!send(head.data(), head.size())) return false;
    return send_body(content.substr(begin, end - begin), send);
  }

  bool send_body(const std::string& body, const HttpServer::Send& send) {
    constexpr size_t kPiece = 16384;
    const bool stalls = count_down(&Trouble::num_stalls);
    const Trouble trouble = this->trouble();
    for (size_t sent = 0; sent < body.size();) {
      size_t size = std::min(kPiece, body.size() - sent);
      if (stalls) size = 1;
      if (trouble.drop_after > 0) size = std::min(size, trouble.drop_after - std::min(trouble.drop_after, sent));
      if (size == 0 || !send(body.data() + sent, size)) return false;
      sent += size;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        num_sent_ += static_cast<int64_t>(size);
      }
      if (trouble.pause_per_piece.count() > 0) std::this_thread::sleep_for(trouble.pause_per_piece);
      while (stalls && !is_released_) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  std::map<std::string, std::string> files_;
  Trouble trouble_;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  int64_t num_sent_ = 0;
  std::atomic<bool> is_released_{false};
  std::atomic<int> num_signed_{0};
  HttpServer cdn_;
  HttpServer hub_;
};

}  // namespace spyhop::testing
