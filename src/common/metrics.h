// What the program counts, in the text format of Prometheus.
#pragma once

#include <memory>
#include <string>

namespace prometheus {
class Registry;
}

namespace spyhop {

/// Holds every counter of the program. Made by the command and lent to engine and HTTP server, which add their own series and
/// work without it too. Thread safety: all members from any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Where series are added. They live as long as this object.
  prometheus::Registry& registry() { return *registry_; }

  /// Everything counted so far and the figures of the process (memory, time, files), in text format 0.0.4.
  std::string text() const;

 private:
  std::unique_ptr<prometheus::Registry> registry_;
};

}  // namespace spyhop
