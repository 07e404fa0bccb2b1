#include "common/metrics.h"

#include <dirent.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace spyhop {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Numbers of /proc/self/stat, in the order and with the numbering of proc(5).
std::vector<double> process_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');  // the name may hold spaces
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  std::string state;
  rest >> state;
  std::vector<double> fields(4);  // there is no field 0; 1 to 3 are no numbers
  for (double value = 0; rest >> value;) fields.push_back(value);
  return fields;
}

/// Unix time at which the machine was started; 0 when the system does not tell.
double boot_time_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string key; file >> key;) {
    double value = 0;
    if (key == "btime" && file >> value) return value;
    file.ignore(1 << 20, '\n');
  }
  return 0;
}

double num_open_files() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int num_entries = 0;
  while (::readdir(folder) != nullptr) ++num_entries;
  ::closedir(folder);
  constexpr int kOthers = 3;  // ".", ".." and the folder itself
  return num_entries - kOthers;
}

MetricFamily process_figure(const std::string& name, const std::string& help, MetricType type, double value) {
  ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return {name, help, type, {metric}};
}

/// The names that Prometheus' own client libraries use.
std::vector<MetricFamily> process_figures() {
  enum Field : size_t { kUserTime = 14, kSystemTime = 15, kStartTime = 22, kVirtualBytes = 23, kResidentPages = 24 };
  std::vector<double> stat = process_stat();
  if (stat.size() <= kResidentPages) return {};
  static const double ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  static const double page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
  static const double boot_time = boot_time_seconds();
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return {
      process_figure("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge,
                     stat[kResidentPages] * page_bytes),
      process_figure("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge, stat[kVirtualBytes]),
      process_figure("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", MetricType::Gauge,
                     boot_time + stat[kStartTime] / ticks_per_second),
      process_figure("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", MetricType::Counter,
                     (stat[kUserTime] + stat[kSystemTime]) / ticks_per_second),
      process_figure("process_open_fds", "Number of open file descriptors.", MetricType::Gauge, num_open_files()),
      process_figure("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
                     static_cast<double>(files.rlim_cur)),
  };
}

}  // namespace

Metrics::Metrics() : registry_(std::make_unique<prometheus::Registry>()) {}
Metrics::~Metrics() = default;

std::string Metrics::text() const {
  std::vector<MetricFamily> families = registry_->Collect();
  for (MetricFamily& family : process_figures()) families.push_back(std::move(family));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace spyhop
