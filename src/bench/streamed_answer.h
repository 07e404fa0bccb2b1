// What a client sees of one streamed answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/exchange_loop.h"
#include "bench/sse_parser.h"

namespace spyhop {

/// Why an answer counts as failed.
struct AnswerFault {
  std::string kind;  // one of few, to count by: "connect", "http_429", "stream_error", ...
  std::string message;
};

struct StreamedAnswer {
  TimePoint sent;                     // before the connection was sought
  std::vector<TimePoint> text_times;  // arrival of each chunk that brought text
  TimePoint last;                     // arrival of the last chunk that brought text or the finish reason
  std::string text;
  std::string finish_reason;
  std::optional<int> prompt_tokens;  // these four as the server counts them
  std::optional<int> completion_tokens;
  int cached_tokens = 0;
  int image_tokens = 0;
  std::optional<AnswerFault> fault;

  /// To the first text, or to the end of an answer without any.
  double ttft_seconds() const;
  double e2e_seconds() const;
  /// Per token after the first; nothing for answers of one token.
  std::optional<double> tpot_seconds() const;
  /// The server's count, or the number of chunks with text where it tells none.
  size_t num_output_tokens() const;
};

/// Gathers the answer of one exchange: a stream of chat.completion.chunk or text_completion objects.
class AnswerGatherer {
 public:
  explicit AnswerGatherer(TimePoint sent) { answer_.sent = sent; }

  void add(int status, std::string_view bytes, TimePoint arrival);
  void complete(int status, TimePoint arrival);
  void fail(const std::string& kind, const std::string& message, TimePoint arrival);
  size_t num_texts() const { return answer_.text_times.size(); }
  StreamedAnswer take() { return std::move(answer_); }

 private:
  void read_event(std::string_view data, TimePoint arrival);
  void read_choice(const nlohmann::json& choice, TimePoint arrival);
  void read_usage(const nlohmann::json& usage);
  std::string describe_refusal() const;

  StreamedAnswer answer_;
  SseParser parser_;
  std::string other_body_;  // of an answer that is no stream
  bool is_done_ = false;    // [DONE] has come
};

}  // namespace spyhop
