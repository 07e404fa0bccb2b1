// Runs a fuzz target without libFuzzer: its corpus, then mutations of it, the same ones for the same seed.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxBytes = 4096;
constexpr int kMaxMutations = 8;  // of one input

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The words in quotes of a dictionary in libFuzzer's format, with the escapes \\, \" and \xAB.
std::vector<std::string> read_words(const fs::path& path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t begin = line.find('"');
    const size_t end = line.rfind('"');
    if (line.rfind('#', 0) == 0 || begin == std::string::npos || end <= begin) continue;
    std::string word;
    for (size_t i = begin + 1; i < end; ++i) {
      if (line[i] == '\\' && line[i + 1] == 'x') {
        word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        i += line[i] == '\\' ? 1 : 0;
        word += line[i];
      }
    }
    words.push_back(word);
  }
  return words;
}

class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> words, std::vector<std::string> corpus)
      : random_(seed), words_(std::move(words)), corpus_(std::move(corpus)) {
    words_.insert(words_.end(), {"", std::string(1, '\0'), "\xff", "-1", "1e999", "null", "{", "}", "[", "]", "\""});
    if (corpus_.empty()) corpus_.emplace_back();
  }

  std::string next() {
    std::string input = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(kMaxMutations); left > 0; --left) mutate(input);
    if (input.size() > kMaxBytes) input.resize(kMaxBytes);
    return input;
  }

 private:
  size_t below(size_t count) { return count == 0 ? 0 : random_() % count; }

  void mutate(std::string& input) {
    const size_t at = below(input.size() + 1);
    const size_t length = 1 + below(16);
    switch (below(6)) {
      case 0:
        input.insert(at, words_[below(words_.size())]);
        break;
      case 1:
        input.erase(at, length);
        break;
      case 2:
        if (at < input.size()) input[at] = static_cast<char>(random_());
        break;
      case 3:
        input.insert(at, input.substr(below(input.size() + 1), length));
        break;
      case 4:
        input.replace(at, std::min(length, input.size() - at), words_[below(words_.size())]);
        break;
      default: {
        const std::string& other = corpus_[below(corpus_.size())];
        input = input.substr(0, at) + other.substr(below(other.size() + 1));
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<std::string> corpus_;
};

std::string current_input;

/// On its way out the program leaves the input that did it.
[[noreturn]] void leave_input() {
  std::ofstream("crash-input", std::ios::binary) << current_input;
  std::fprintf(stderr, "failed with the %zu bytes that are in ./crash-input\n", current_input.size());
  std::_Exit(1);
}

void run(const std::string& input) {
  current_input = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

struct Options {
  uint64_t seed = 1;
  long runs = 0;
  std::vector<std::string> words;
  std::vector<std::string> corpus;
};

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--seed" || argument == "--runs") {
      const long number = i + 1 < arguments.size() ? std::strtol(arguments[++i].c_str(), nullptr, 10) : 0;
      if (argument == "--seed") {
        options.seed = static_cast<uint64_t>(number);
      } else {
        options.runs = number;
      }
    } else if (fs::path(argument).extension() == ".dict") {
      options.words = read_words(argument);
    } else if (fs::is_directory(argument)) {
      std::vector<fs::path> files(fs::directory_iterator(argument), {});
      std::sort(files.begin(), files.end());
      for (const fs::path& file : files) options.corpus.push_back(read_file(file));
    } else {
      options.corpus.push_back(read_file(argument));
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  std::set_terminate(leave_input);
  std::signal(SIGSEGV, [](int) { leave_input(); });
  std::signal(SIGABRT, [](int) { leave_input(); });
  const Options options = parse({argv + 1, argv + argc});
  for (const std::string& input : options.corpus) run(input);
  Mutator mutator(options.seed, options.words, options.corpus);
  for (long i = 0; i < options.runs; ++i) run(mutator.next());
  std::printf("%zu inputs and %ld mutations passed\n", options.corpus.size(), options.runs);
}
