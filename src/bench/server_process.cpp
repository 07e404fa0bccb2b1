#include "bench/server_process.h"

#include <deque>
#include <optional>

#include "spyhop/error.h"

namespace spyhop {

std::string ServerProcess::wait_until_ready(std::chrono::milliseconds patience) {
  constexpr size_t kMostShown = 20;  // lines
  const std::string words = "listening on ";
  const auto until = std::chrono::steady_clock::now() + patience;
  std::deque<std::string> said;
  while (const std::optional<std::string> line = process_.read_line(until)) {
    if (line->rfind(words, 0) == 0) return line->substr(words.size());
    said.push_back(*line);
    if (said.size() > kMostShown) said.pop_front();
  }
  std::string message = process_.has_ended()
                            ? "the server ended before it was ready; it said:"
                            : "the server was not ready after " + std::to_string(patience.count()) + " ms; it said:";
  for (const std::string& line : said) message += "\n  " + line;
  throw Error(ErrorCode::kUnavailable, message);
}

}  // namespace spyhop
