// `spyhop chat` and `spyhop generate`: a conversation, or completions, at a terminal or from a file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/client_flags.h"
#include "cli/commands.h"
#include "cli/conversation.h"
#include "cli/option_tools.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::ordered_json;

struct ChatFlags {
  ClientFlags client;
  ConversationOptions conversation;
  std::vector<std::string> images;
};

constexpr const char* kChatFooter =
    "Reads one message a line until the end of the input. /image FILE or /image URL adds an image to the next message, /clear\n"
    "begins anew, /exit ends. Ctrl-C stops an answer; what has come of it counts as said.\n"
    "Examples: spyhop chat --image photo.jpg\n"
    "          echo 'What is in this picture?' | spyhop chat --image photo.jpg --json";

volatile std::sig_atomic_t is_interrupted = 0;

extern "C" void note_interrupt(int) {
  is_interrupted = 1;
}

/// While an answer comes, Ctrl-C stops it and not the program.
class StopsAnswer {
 public:
  StopsAnswer() {
    is_interrupted = 0;
    previous_ = std::signal(SIGINT, note_interrupt);
  }
  ~StopsAnswer() { std::signal(SIGINT, previous_); }
  StopsAnswer(const StopsAnswer&) = delete;
  StopsAnswer& operator=(const StopsAnswer&) = delete;

 private:
  void (*previous_)(int);
};

bool is_terminal() {
  return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
}

std::optional<std::string> next_line(const char* prompt) {
  if (is_terminal()) {
    std::fputs(prompt, stdout);
    std::fflush(stdout);
  }
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return line;
}

/// Prints an answer as it comes, or one line of JSON for it.
void answer(const ChatFlags& flags, const char* prompt, const std::function<Reply(const Conversation::OnText&)>& ask) {
  const bool shows_text = !flags.client.prints_json;
  if (shows_text && is_terminal()) std::fputs(prompt, stdout);
  const StopsAnswer stops;
  const Reply reply = ask([&](const std::string& text) {
    if (shows_text) std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    return is_interrupted == 0;
  });
  if (shows_text) {
    std::fputs("\n", stdout);
  } else {
    const ordered_json json = {
        {"role", "assistant"},
        {"content", reply.text},
        {"finish_reason", reply.finish_reason.empty() ? ordered_json() : ordered_json(reply.finish_reason)},
        {"usage", reply.usage}};
    std::printf("%s\n", json.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
  }
  std::fflush(stdout);
}

/// At a terminal somebody reads the error and goes on; elsewhere it ends the program.
void tell_or_throw(const Error& error) {
  if (!is_terminal()) throw Error(error);
  std::fprintf(stderr, "spyhop: %s\n", error.what());
}

/// Whether the line was a command. False for text to be sent.
bool handle_command(Conversation& conversation, const std::string& line) {
  const std::string image = "/image ";
  if (line.rfind(image, 0) == 0) {
    conversation.attach(line.substr(image.size()));
    return true;
  }
  if (line == "/clear") conversation.clear();
  if (line == "/clear" || line.empty()) return true;
  if (line.front() == '/' && line.find(' ') == std::string::npos && line.find('/', 1) == std::string::npos) {
    throw Error(ErrorCode::kInvalidRequest, "there is no " + line + "; allowed: /image FILE or URL, /clear, /exit");
  }
  return false;
}

void chat(const ChatFlags& flags) {
  const ApiClient client = make_client(flags.client);
  Conversation conversation(client, flags.conversation);
  for (const std::string& image : flags.images) conversation.attach(image);
  while (const std::optional<std::string> line = next_line("User: ")) {
    if (*line == "/exit" || *line == "/quit") break;
    try {
      if (handle_command(conversation, *line)) continue;
      answer(flags, "Assistant: ", [&](const auto& on_text) { return conversation.say(*line, on_text); });
    } catch (const Error& error) {
      tell_or_throw(error);
    }
  }
}

void generate(const ChatFlags& flags) {
  const ApiClient client = make_client(flags.client);
  while (const std::optional<std::string> line = next_line("Prompt: ")) {
    if (line->empty()) continue;
    try {
      answer(flags,
             "Completion: ", [&](const auto& on_text) { return complete_text(client, flags.conversation, *line, on_text); });
    } catch (const Error& error) {
      tell_or_throw(error);
    }
  }
}

void declare_flags(CLI::App& command, ChatFlags& flags) {
  ConversationOptions& options = flags.conversation;
  command.add_option("-u,--model-uid", options.model_uid, "The model, as spyhop list shows it (default: the only one)");
  command.add_option("--max_tokens,--max-tokens", options.max_tokens, "Tokens of an answer at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--temperature", options.temperature, "Sampling temperature (default: the server's)")
      ->check(CLI::Range(0.0, 2.0));
  command.add_option("--stream", options.is_streamed, "Show the answer as it comes")->default_str("true");
  declare_client_flags(command, flags.client);
  command.add_flag("--json", flags.client.prints_json, "Print a line of JSON for each answer");
}

}  // namespace

void add_chat_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("chat", "Chat with a model of a running server, with images");
  command->footer(kChatFooter);
  auto flags = std::make_shared<ChatFlags>();
  declare_flags(*command, *flags);
  command->add_option("--image", flags->images, "File or URL of an image for the first message; may be given several times");
  command->add_option("--system", flags->conversation.system, "Text of the system");
  command->callback([flags] { chat(*flags); });
}

void add_generate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("generate", "Let a model of a running server go on with a text");
  auto flags = std::make_shared<ChatFlags>();
  declare_flags(*command, *flags);
  command->callback([flags] { generate(*flags); });
}

}  // namespace spyhop
