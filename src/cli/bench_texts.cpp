#include "cli/bench_texts.h"

#include <cctype>
#include <random>
#include <string_view>

namespace spyhop {
namespace {

constexpr std::string_view kEnglish[] = {
    "the",      "of",       "and",      "to",       "in",         "is",      "that",     "for",    "it",      "was",
    "with",     "on",       "are",      "as",       "by",         "this",    "from",     "they",   "which",   "one",
    "picture",  "shows",    "giraffe",  "leaves",   "behind",     "tree",    "light",    "window", "street",  "people",
    "standing", "between",  "building", "reads",    "sign",       "letters", "small",    "large",  "colour",  "white",
    "morning",  "question", "answer",   "table",    "chart",      "value",   "increase", "year",   "percent", "report",
    "several",  "although", "because",  "probably", "nothing",    "another", "together", "moving", "camera",  "image",
    "describe", "distance", "kitchen",  "bicycle",  "photograph", "waiting", "evening",  "river",  "bridge",  "children"};
constexpr std::string_view kSyllables[] = {"bra", "zel", "tok", "ni", "vor", "qua", "shi", "lem", "dro", "pex", "gul", "wy"};
constexpr std::string_view kNames[] = {"index", "value",  "buffer", "num_tokens", "result", "config", "imageSize", "offset",
                                       "node",  "length", "cache",  "request",    "params", "tensor", "row_count", "handler"};
constexpr std::string_view kChinese[] = {
    "的",     "是",   "在",     "了",   "和",       "有",   "我们", "这个", "图片", "中",   "可以", "看到", "一只",
    "长颈鹿", "站在", "后面",   "吃",   "树叶",     "街道", "上",   "人们", "建筑", "白色", "文字", "写着", "请",
    "描述",   "问题", "回答",   "因为", "所以",     "但是", "已经", "没有", "时间", "城市", "数据", "增长", "百分",
    "模型",   "训练", "语言",   "视觉", "结果",     "显示", "左边", "右边", "第一", "红色", "汽车", "停在", "路边",
    "天空",   "阳光", "咖啡馆", "窗户", "孩子",     "正在", "河边", "照片", "拍摄", "于",   "早上", "非常", "清楚",
    "不过",   "可能", "需要",   "注意", "人工智能", "系统", "处理", "方法", "研究", "发展"};
constexpr std::string_view kOthers[] = {"これは写真です。",     "Příliš žluťoučký kůň",
                                        "Где находится музей?", "안녕하세요 세계",
                                        "🦒🌳 👍🏽",    "https://example.org/a?b=1",
                                        "مرحبا بالعالم",        "ประเทศไทย",
                                        "½ + ¾ = 1.25",         "Ελληνικά"};

/// Draws words with a fixed seed.
class Writer {
 public:
  std::string english_sentence() {
    std::string sentence;
    const size_t num_words = 6 + below(14);
    for (size_t i = 0; i < num_words; ++i) {
      const size_t kind = below(30);
      const std::string word = kind == 0 ? number() : kind == 1 ? invented_word() : pick(kEnglish);
      sentence += (i == 0 ? "" : kind == 2 ? ", " : " ") + word;
    }
    sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
    return sentence + (below(8) == 0 ? "?\n" : ". ");
  }

  std::string code_line() {
    const std::string indent((1 + below(3)) * 4, ' ');
    switch (below(6)) {
      case 0:
        return "\ndef " + pick(kNames) + "_" + invented_word() + "(" + pick(kNames) + ", " + pick(kNames) + "=" + number() +
               "):\n";
      case 1:
        return indent + "for " + pick(kNames) + " in range(" + number() + "):\n";
      case 2:
        return indent + "if (" + pick(kNames) + "[" + pick(kNames) + "] != \"" + pick(kEnglish) + "\") {\n";
      case 3:
        return indent + "return " + pick(kNames) + "." + pick(kNames) + "(" + pick(kNames) + " + " + number() + ")\n";
      case 4:
        return indent + "# " + pick(kEnglish) + " " + pick(kEnglish) + " " + pick(kEnglish) + "\n";
      default:
        return indent + pick(kNames) + " = {'" + pick(kEnglish) + "': 0x" + number() + ", **" + invented_word() + "}\n";
    }
  }

  std::string chinese_sentence() {
    std::string sentence;
    const size_t num_words = 4 + below(12);
    for (size_t i = 0; i < num_words; ++i) sentence += below(25) == 0 ? number() : pick(kChinese);
    return sentence + (below(3) == 0 ? "，" : below(5) == 0 ? "？\n" : "。");
  }

  std::string mixed_sentence() {
    switch (below(4)) {
      case 0:
        return english_sentence();
      case 1:
        return code_line();
      case 2:
        return chinese_sentence();
      default:
        return pick(kOthers) + "\n";
    }
  }

 private:
  size_t below(size_t limit) { return random_() % limit; }

  template <size_t kSize>
  std::string pick(const std::string_view (&words)[kSize]) {
    return std::string(words[below(kSize)]);
  }

  std::string number() { return std::to_string(below(size_t{1} << below(24))); }

  std::string invented_word() {
    std::string word;
    for (size_t left = 2 + below(3); left > 0; --left) word += pick(kSyllables);
    return word;
  }

  std::mt19937 random_{20240607};
};

BenchText make_text(const char* name, std::string (Writer::*sentence)(), size_t num_bytes) {
  Writer writer;
  BenchText result{name, {}};
  while (result.text.size() < num_bytes) result.text += (writer.*sentence)();
  return result;
}

}  // namespace

std::vector<BenchText> bench_texts(size_t num_bytes) {
  return {make_text("english", &Writer::english_sentence, num_bytes), make_text("code", &Writer::code_line, num_bytes),
          make_text("chinese", &Writer::chinese_sentence, num_bytes), make_text("mixed", &Writer::mixed_sentence, num_bytes)};
}

std::vector<BenchText> hostile_bench_texts() {
  return {{"40000 spaces, then one Chinese character", std::string(40'000, ' ') + "的"},
          {"100000 equal letters", std::string(100'000, 'a')}};
}

}  // namespace spyhop
