#include "cli/verify_against.h"

namespace spyhop {

std::vector<std::string> comparison_prompts() {
  return {
      "Hello! Who are you, and what can you do for me?",
      "Why is the sky blue during the day and red in the evening? Explain it to a child of ten.",
      "List the planets of the solar system in order of their distance from the sun, one per line.",
      "Translate into French: The library opens at nine o'clock, but the reading room is closed on Mondays.",
      "A train leaves at 14:35 and arrives at 17:10. How many minutes does the journey take? Show every step.",
      "Write a Python function that returns the longest word of a sentence, and add two examples of its use.",
      "Summarize in one sentence: The old harbour was rebuilt after the storm. Stone walls replaced the wooden piers, a light "
      "was "
      "set on the outer mole, and within three years the fishing fleet had doubled. Merchants followed, then shipyards, and by "
      "the end of the century the town had become the largest port of the coast, known for rope, salt and clocks.",
      "What is the difference between a virus and a bacterium? Answer in at most four sentences.",
      "请用中文介绍一下长城的历史，并说明它为什么重要。",
      "把下面的句子翻译成英文：他每天早上六点起床，先跑步，然后去图书馆看书。",
      "Erkläre kurz, wie eine Wärmepumpe funktioniert und wann sie sich lohnt.",
      "¿Cuáles son las ventajas de aprender a tocar un instrumento musical?",
      "Continue the story: The lighthouse keeper climbed the last step, opened the door, and found the lamp already burning.",
      "Fix the error in this C++ code and explain it:\nint sum(const std::vector<int>& v) {\n  int s;\n  for (size_t i = 0; i "
      "<= "
      "v.size(); ++i) s += v[i];\n  return s;\n}",
      "Give the JSON of a book with title, author, year and a list of three keywords. Only JSON, no other text.",
      "If 3x + 7 = 25, what is x? And what is x squared minus 4?",
      "Name three capitals in Africa, three in Asia and three in South America, each with its country.",
      "You are given this table of sales by month: January 120, February 95, March 143, April 88, May 160, June 171. Which "
      "month "
      "was the best, which was the worst, what is the average, and is there a trend? Then write a short report of it for a "
      "manager who has one minute, and say what you would look at next.",
  };
}

}  // namespace spyhop
