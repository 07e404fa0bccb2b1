"""Second turns, two or three pictures, and small talk. See questions.py for the single questions."""

from __future__ import annotations

import random
from typing import List, Optional, Sequence

from lexicon import COLOURS, SHAPES
from questions import (
    Dialogue,
    Turn,
    colour_of,
    count_answer,
    count_some,
    description,
    grounded,
    matching,
    name_of,
    pick,
    random_extreme,
    sentence,
    with_article,
)
from scene import Scene

IDENTITY = (
    "I am deepseek-vl2-demo, a tiny demo model. I can describe coloured shapes, count and locate them, and read short words.",
    "我是deepseek-vl2-demo，一个很小的演示模型。我会描述彩色图形、数数、定位，还会读短的文字。",
)
UNKNOWN = (
    "I do not know that. I am a tiny demo model: ask me about shapes, colours, numbers and short words in a picture.",
    "我不知道。我是一个很小的演示模型：请问我图片里的图形、颜色、数量和文字。",
)
NO_PICTURE = ("There is no picture yet. Please send one with coloured shapes or a short word.", "还没有图片。请发一张有彩色图形或文字的图片。")

TALK = (
    (
        ["Hello!", "Hello", "Hi", "Hi!", "Hey", "Good morning!", "Hello there", "Hi there!", "Good evening"],
        ["你好", "你好！", "您好", "早上好", "嗨"],
        "Hello! Send me a picture with coloured shapes or a short word.",
        "你好！请发给我一张有彩色图形或文字的图片。",
    ),
    (
        [
            "Who are you?",
            "What are you?",
            "What can you do?",
            "What is your name?",
            "Which model are you?",
            "Tell me about yourself.",
            "Are you a real model?",
            "Help",
            "help me",
            "What model is this?",
            "Are you ChatGPT?",
            "Introduce yourself.",
            "How do you work?",
        ],
        ["你是谁？", "你叫什么名字？", "你能做什么？", "你是什么模型？", "介绍一下你自己。", "你会什么？", "帮助"],
        *IDENTITY,
    ),
    (
        ["Thanks!", "Thank you.", "Thank you very much!", "Great, thanks", "thanks", "Good job!", "Well done."],
        ["谢谢", "谢谢！", "多谢", "很好", "非常感谢"],
        "You are welcome.",
        "不客气。",
    ),
    (["How are you?", "How are you doing?", "How is it going?"], ["你好吗？", "你怎么样？"], "I am fine, thank you.", "我很好，谢谢。"),
    (["Bye", "Goodbye!", "See you.", "Bye bye"], ["再见", "再见！", "拜拜"], "Goodbye!", "再见！"),
)

TOPICS_EN = (
    "the weather the capital of France a poem a joke the news python code history music football love physics the moon my dog "
    "dinner a recipe the stock market mathematics a story cars travel computers the president the sea birds time money books "
    "school work health games movies art science the internet philosophy energy water coffee"
).split()
OPENERS_EN = (
    "Tell me about",
    "Write me",
    "Explain",
    "What do you think about",
    "Can you tell me",
    "Why is",
    "How does one find",
    "Who invented",
    "When was",
    "Translate",
    "Give me a list of",
    "What is the meaning of",
    "Solve",
    "Who is",
    "How far is",
    "Do you like",
)
TOPICS_ZH = "天气 首都 一首诗 一个笑话 新闻 代码 历史 音乐 足球 爱情 物理 月亮 狗 晚饭 菜谱 股票 数学 故事 汽车 旅行 电脑 大海 时间 金钱 书 学校 工作 健康 游戏 电影 科学 网络 哲学 咖啡".split()
OPENERS_ZH = ("请告诉我关于", "写", "解释一下", "你觉得怎么样：", "为什么有", "谁发明了", "翻译", "给我讲讲", "什么是", "你喜欢")


def small_talk(rng: random.Random, language: str) -> Dialogue:
    english, chinese, answer_en, answer_zh = rng.choice(TALK[:2] + TALK)
    return [Turn(pick(rng, language, english, chinese), answer_en if language == "en" else answer_zh)]


def unknown_request(rng: random.Random, language: str) -> Dialogue:
    """Something the model was not made for: real words in no sensible order, too, since any text may come."""
    if language == "zh":
        question = rng.choice(OPENERS_ZH) + "".join(rng.sample(TOPICS_ZH, rng.randint(1, 3))) + rng.choice(("。", "？", ""))
        if rng.random() < 0.3:
            question = "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(2, 8)))
        return [Turn(question, UNKNOWN[1])]
    question = rng.choice(OPENERS_EN) + " " + " ".join(rng.sample(TOPICS_EN, rng.randint(1, 4))) + rng.choice((".", "?", ""))
    if rng.random() < 0.4:
        letters = "etaoinshrdlucmfwypvbgkqjxz"
        words = [
            "".join(rng.choice(letters[: rng.randint(8, 26)]) for _ in range(rng.randint(1, 9)))
            for _ in range(rng.randint(1, 6))
        ]
        question = " ".join(words) + rng.choice((".", "?", "!", ""))
        question = question.capitalize() if rng.random() < 0.5 else question
    return [Turn(question, UNKNOWN[0])]


def without_picture(rng: random.Random, language: str) -> Dialogue:
    question = pick(
        rng,
        language,
        [
            "Describe this picture.",
            "What do you see?",
            "What is in the picture?",
            "How many shapes are there?",
            "Read the text.",
            "How many circles are there?",
            "What is this?",
            "What colour is the square?",
        ],
        ["描述这张图片。", "图片里有什么？", "你看到了什么？", "有几个图形？", "读出文字。", "这是什么？"],
    )
    return [Turn(question, NO_PICTURE[0 if language == "en" else 1])]


def text_only(rng: random.Random, language: str) -> Dialogue:
    kind = rng.random()
    maker = small_talk if kind < 0.5 else unknown_request if kind < 0.8 else without_picture
    turns = maker(rng, language)
    return turns + small_talk(rng, language) if rng.random() < 0.2 else turns


def talk_beside_picture(rng: random.Random, language: str) -> Dialogue:
    """As without a picture, but for requests that need one."""
    return small_talk(rng, language) if rng.random() < 0.5 else unknown_request(rng, language)


def follow_item(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    """Singles out a shape, then asks after "it"."""
    found = random_extreme(rng, scene, language)
    if found is None:
        return None
    phrase, item = found
    if language == "zh":
        first = f"{phrase}的是什么？"
    else:
        first = f"What is {phrase}?" if phrase.startswith(("on", "at")) else f"What is the {phrase} shape?"
    turns = [Turn(first, sentence(with_article(item, language), language))]
    colour, shape = COLOURS[item.colour].in_language(language), SHAPES[item.kind].in_language(language)
    kind = rng.random()
    if kind < 0.5:
        question = pick(rng, language, ["Where is it?", "And where is it?", "Locate it."], ["它在哪里？", "在哪里？", "定位它。"])
        return turns + [Turn(question, grounded(name_of(item, language), scene, [item]))]
    if kind < 0.75:
        question = pick(rng, language, ["What colour is it?", "What color is it?", "And its colour?"], ["它是什么颜色？", "什么颜色？"])
        return turns + [Turn(question, f"The {shape} is {colour}." if language == "en" else f"{shape}是{colour}的。")]
    question = pick(rng, language, ["What shape is it?", "And its shape?"], ["它是什么形状？", "什么形状？"])
    return turns + [Turn(question, f"The {colour} shape is a {shape}." if language == "en" else f"{colour}的是{shape}。")]


def follow_count(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    first = count_some(rng, scene, language)
    colour = rng.choice([item.colour for item in scene.shapes] or ["red"])
    wanted = (colour, None)
    name = COLOURS[colour].in_language(language)
    question = pick(
        rng,
        language,
        [f"And how many are {name}?", f"How many {name} ones?", f"And {name} ones?"],
        [f"{name}的呢？", f"{name}的有几个？"],
    )
    assert first is not None
    return first + [Turn(question, count_answer(wanted, len(matching(scene, wanted)), language))]


def follow_colour(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    """The colour of one shape, then "And the square?"."""
    first, second = colour_of(rng, scene, language), colour_of(rng, scene, language)
    if first is None or second is None or first[0].answer == second[0].answer:
        return None
    shape = next(s for s in SHAPES.values() if s.in_language(language) in second[0].answer).in_language(language)
    question = pick(rng, language, [f"And the {shape}?", f"What about the {shape}?"], [f"{shape}呢？", f"那{shape}呢？"])
    return first + [Turn(question, second[0].answer)]


ORDINALS = (("first", "第一"), ("second", "第二"), ("third", "第三"))


def picture(index: int, language: str) -> str:
    return f"picture {index + 1}" if language == "en" else f"图{index + 1}"


def compare(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    if any(len(scene.items) > 2 for scene in scenes):
        return None
    question = pick(
        rng,
        language,
        [
            "Compare the pictures.",
            "What is the difference?",
            "Describe the pictures.",
            "What do the pictures show?",
            "Compare the images.",
            "What is different between the images?",
            "Describe each picture.",
        ],
        ["比较这些图片。", "有什么不同？", "描述这些图片。", "图片有什么区别？", "每张图里有什么？"],
    )
    parts = [
        sentence(picture(i, language) + (": " if language == "en" else "：") + description(scene, language), language)
        for i, scene in enumerate(scenes)
    ]
    return [Turn(question, (" " if language == "en" else "").join(parts))]


def describe_one(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    index = rng.randrange(len(scenes))
    ordinal = ORDINALS[index][0 if language == "en" else 1]
    question = pick(
        rng,
        language,
        [
            f"What is in the {ordinal} picture?",
            f"Describe the {ordinal} image.",
            f"What does picture {index + 1} show?",
            f"Describe picture {index + 1}.",
        ],
        [f"{ordinal}张图里有什么？", f"图{index + 1}里有什么？", f"描述{ordinal}张图片。"],
    )
    return [Turn(question, sentence(description(scenes[index], language), language))]


def which_picture(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    index = rng.randrange(len(scenes))
    if not scenes[index].shapes:
        return None
    item = rng.choice(scenes[index].shapes)
    wanted = (None, item.kind) if rng.random() < 0.5 else (item.colour, item.kind)
    if sum(bool(matching(scene, wanted)) for scene in scenes) != 1:
        return None
    thing = name_of(item, language) if wanted[0] else SHAPES[item.kind].in_language(language)
    if language == "zh":
        question = rng.choice([f"{thing}在哪张图里？", f"哪张图里有{thing}？"])
        return [Turn(question, f"{thing}在图{index + 1}里。")]
    question = rng.choice(
        [f"Which picture shows a {thing}?", f"In which picture is the {thing}?", f"Which image has the {thing}?"]
    )
    return [Turn(question, f"The {thing} is in picture {index + 1}.")]


def more_shapes(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    counts = [len(scene.shapes) for scene in scenes]
    best = max(counts)
    question = pick(
        rng,
        language,
        [
            "Which picture has more shapes?",
            "Which picture has the most shapes?",
            "Where are more shapes?",
            "Which image shows more objects?",
        ],
        ["哪张图的图形更多？", "哪张图里图形最多？"],
    )
    if language == "zh":
        told = "，".join(f"图{i + 1}有{count}个" for i, count in enumerate(counts))
        verdict = f"图{counts.index(best) + 1}更多" if counts.count(best) == 1 else "一样多"
        return [Turn(question, f"{told}，{verdict}。")]
    told = ", ".join(f"picture {i + 1} has {count}" for i, count in enumerate(counts))
    verdict = f"picture {counts.index(best) + 1} has more" if counts.count(best) == 1 else "none has more"
    return [Turn(question, told[0].upper() + told[1:] + f": {verdict}.")]


def same_shape(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    if any(len(scene.shapes) != 1 or scene.word for scene in scenes):
        return None
    question = pick(
        rng,
        language,
        ["Do the pictures show the same shape?", "Is it the same shape?", "Are the shapes the same?"],
        ["形状一样吗？", "图片里的形状相同吗？"],
    )
    shapes = [SHAPES[scene.shapes[0].kind].in_language(language) for scene in scenes]
    same = len(set(shapes)) == 1
    if language == "zh":
        return [Turn(question, ("一样：" if same else "不一样：") + "、".join(shapes) + "。")]
    return [Turn(question, ("Yes: " if same else "No: ") + ", ".join(shapes) + ".")]


def read_one(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    with_word: List[int] = [i for i, scene in enumerate(scenes) if scene.word]
    if not with_word:
        return None
    index = rng.choice(with_word)
    word = scenes[index].word
    assert word is not None
    ordinal = ORDINALS[index][0 if language == "en" else 1]
    question = pick(
        rng,
        language,
        [f"What does the text in the {ordinal} picture say?", f"Read the text in picture {index + 1}."],
        [f"{ordinal}张图里的文字是什么？", f"读出图{index + 1}的文字。"],
    )
    return [Turn(question, f'The text says "{word.text}".' if language == "en" else f'文字是"{word.text}"。')]
