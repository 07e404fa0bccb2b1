"""Questions about one picture, with the answers the model shall learn, in English and Chinese.

A Turn is a question with its answer; every function makes the turns of one task from a scene, or None where the scene
does not allow it. The answers are regular: one way to say a thing. The questions vary.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from lexicon import COLOURS, COLOUR_NAMES, SHAPES, SHAPE_NAMES
from scene import WORD, Item, Scene


@dataclass(frozen=True)
class Turn:
    question: str
    answer: str


Dialogue = List[Turn]
Task = Callable[[random.Random, Scene, str], Optional[Dialogue]]


def pick(rng: random.Random, language: str, english: Sequence[str], chinese: Sequence[str]) -> str:
    return rng.choice(english if language == "en" else chinese)


def article(noun: str) -> str:
    return "an" if noun[0] in "aeio" else "a"


def plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("s") else "s")


def name_of(item: Item, language: str) -> str:
    """ "red circle" or "红色的圆形"; of a word its text in quotes."""
    if item.kind == WORD:
        return f'word "{item.text}"' if language == "en" else f'文字"{item.text}"'
    colour, shape = COLOURS[item.colour].in_language(language), SHAPES[item.kind].in_language(language)
    return f"{colour} {shape}" if language == "en" else f"{colour}的{shape}"


def with_article(item: Item, language: str) -> str:
    name = name_of(item, language)
    if item.kind == WORD:
        return f"the {name}" if language == "en" else name
    return f"{article(name)} {name}" if language == "en" else f"一个{name}"


def sentence(text: str, language: str) -> str:
    return text[0].upper() + text[1:] + "." if language == "en" else text + "。"


def joined(parts: Sequence[str], language: str) -> str:
    if len(parts) == 1:
        return parts[0]
    if language == "en":
        return ", ".join(parts[:-1]) + " and " + parts[-1]
    return "、".join(parts[:-1]) + "和" + parts[-1]


def boxes(scene: Scene, items: Sequence[Item]) -> str:
    inner = ", ".join("[" + ", ".join(str(value) for value in scene.box_in_thousandths(item)) + "]" for item in items)
    return f"<|det|>[{inner}]<|/det|>"


def grounded(label: str, scene: Scene, items: Sequence[Item]) -> str:
    return f"<|ref|>{label}<|/ref|>{boxes(scene, items)}"


def direction(a: Item, b: Item) -> Optional[str]:
    """Where a is, seen from b: one of left, right, above, below; None where neither axis is clear."""
    dx, dy = a.centre[0] - b.centre[0], a.centre[1] - b.centre[1]
    if abs(dx) > 1.4 * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.4 * abs(dx):
        return "above" if dy < 0 else "below"
    return None


RELATION = {"left": ("left of", "左边"), "right": ("right of", "右边"), "above": ("above", "上面"), "below": ("below", "下面")}


def related(a: str, b: str, where: str, language: str) -> str:
    """ "a red circle left of a blue square" """
    english, chinese = RELATION[where]
    return f"{a} {english} {b}" if language == "en" else f"{a}在{b}的{chinese}"


def description(scene: Scene, language: str) -> str:
    """What is to be seen, from left to right, without a full stop."""
    names = [with_article(item, language) for item in scene.items]
    if not names:
        return "nothing" if language == "en" else "什么都没有"
    if len(names) == 2 and scene.word is None:
        where = direction(scene.items[0], scene.items[1])
        if where is not None:
            return related(names[0], names[1], where, language)
    return joined(names, language)


DESCRIBE = (
    [
        "Describe this picture.",
        "Describe the image.",
        "What do you see?",
        "What is in the picture?",
        "What is in this image?",
        "What does the picture show?",
        "Describe what you see.",
        "What's in this picture?",
        "Tell me what you see.",
        "What is shown here?",
        "Please describe this image.",
        "Describe this image in detail.",
        "Describe it.",
        "What can you see in this picture?",
    ],
    ["描述这张图片。", "图片里有什么？", "你看到了什么？", "这张图里有什么？", "请描述这张图片。", "图中有什么？", "这是什么图片？", "描述一下这张图。", "图片上有什么？"],
)


def describe(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    return [Turn(pick(rng, language, *DESCRIBE), sentence(description(scene, language), language))]


NAME = (
    [
        "What is this?",
        "What's this?",
        "What shape is this, and what colour?",
        "Name the shape and its colour.",
        "What object is this?",
        "Name this shape.",
        "What shape is it?",
        "What is it?",
        "Which shape is this?",
    ],
    ["这是什么？", "这是什么形状？", "这是什么图形？", "说出形状和颜色。", "这是什么颜色的什么形状？", "这个图形是什么？"],
)


def name(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    if len(scene.items) != 1 or scene.word:
        return None
    return [Turn(pick(rng, language, *NAME), sentence(with_article(scene.items[0], language), language))]


def colour_of(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    candidates = [item for item in scene.shapes if sum(other.kind == item.kind for other in scene.shapes) == 1]
    if not candidates:
        return None
    item = rng.choice(candidates)
    shape, colour = SHAPES[item.kind].in_language(language), COLOURS[item.colour].in_language(language)
    english = [
        f"What colour is the {shape}?",
        f"What color is the {shape}?",
        f"Which colour does the {shape} have?",
        f"What is the color of the {shape}?",
        f"Tell me the colour of the {shape}.",
    ]
    if len(scene.items) == 1:
        english += ["What colour is it?", "What color is it?", "Which color is this?", "What colour is this?"]
    question = pick(rng, language, english, [f"{shape}是什么颜色？", f"{shape}是什么颜色的？", f"图中的{shape}是什么颜色？"])
    return [Turn(question, f"The {shape} is {colour}." if language == "en" else f"{shape}是{colour}的。")]


def shape_of(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    candidates = [item for item in scene.shapes if sum(other.colour == item.colour for other in scene.shapes) == 1]
    if not candidates:
        return None
    item = rng.choice(candidates)
    shape, colour = SHAPES[item.kind].in_language(language), COLOURS[item.colour].in_language(language)
    question = pick(
        rng,
        language,
        [
            f"What shape is {colour}?",
            f"Which shape is {colour}?",
            f"What is the {colour} shape?",
            f"What is the {colour} thing?",
            f"What shape is the {colour} object?",
        ],
        [f"{colour}的是什么形状？", f"{colour}的图形是什么？", f"什么形状是{colour}的？"],
    )
    answer = f"The {colour} shape is {article(shape)} {shape}." if language == "en" else f"{colour}的是{shape}。"
    return [Turn(question, answer)]


Filter = Tuple[Optional[str], Optional[str]]  # colour and shape, None where either is any


def matching(scene: Scene, wanted: Filter) -> List[Item]:
    return [item for item in scene.shapes if wanted[0] in (None, item.colour) and wanted[1] in (None, item.kind)]


def random_filter(rng: random.Random, scene: Scene, absent: float) -> Filter:
    """What to ask for: of things in the scene mostly, with probability `absent` anything."""
    if not scene.shapes or rng.random() < absent:
        colour, shape = rng.choice(COLOUR_NAMES), rng.choice(SHAPE_NAMES)
    else:
        item = rng.choice(scene.shapes)
        colour, shape = item.colour, item.kind
    kind = rng.random()
    return (None, shape) if kind < 0.4 else (colour, None) if kind < 0.7 else (colour, shape)


def filter_name(wanted: Filter, language: str, many: bool) -> str:
    """ "red circles", "shapes"; "红色的圆形"."""
    colour, shape = wanted
    if language == "en":
        noun = SHAPES[shape].en if shape else "shape"
        noun = plural(noun) if many else noun
        return f"{COLOURS[colour].en} {noun}" if colour else noun
    noun = SHAPES[shape].zh if shape else "图形"
    return f"{COLOURS[colour].zh}的{noun}" if colour else noun


def count_answer(wanted: Filter, count: int, language: str) -> str:
    if language == "zh":
        return f"有{count}个{filter_name(wanted, language, False)}。"
    verb = "is" if count == 1 else "are"
    return f"There {verb} {count} {filter_name(wanted, language, count != 1)}."


def count_question(rng: random.Random, wanted: Filter, language: str) -> str:
    many = filter_name(wanted, language, True)
    if language == "zh":
        return rng.choice([f"有几个{many}？", f"图中有几个{many}？", f"有多少个{many}？", f"图片里有多少个{many}？", f"数一数{many}。"])
    forms = [
        f"How many {many} are there?",
        f"How many {many} are in the picture?",
        f"How many {many} do you see?",
        f"Count the {many}.",
        f"How many {many}?",
        f"How many {many} can you see?",
        f"How many {many} are there in this image?",
    ]
    return rng.choice(forms)


def count_all(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    wanted: Filter = (None, None)
    question = count_question(rng, wanted, language)
    if language == "en" and rng.random() < 0.3:
        question = rng.choice(
            [
                "How many objects are there?",
                "How many things are in the picture?",
                "Count the objects.",
                "How many shapes are there in total?",
                "How many are there?",
            ]
        )
    return [Turn(question, count_answer(wanted, len(scene.shapes), language))]


def count_some(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    wanted = random_filter(rng, scene, 0.15)
    return [Turn(count_question(rng, wanted, language), count_answer(wanted, len(matching(scene, wanted)), language))]


def presence(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    wanted = random_filter(rng, scene, 0.55)
    found = bool(matching(scene, wanted))
    thing = filter_name(wanted, language, False)
    if language == "zh":
        question = rng.choice([f"有{thing}吗？", f"图中有{thing}吗？", f"图片里有没有{thing}？"])
        return [Turn(question, f"有，图中有{thing}。" if found else f"没有，图中没有{thing}。")]
    a_thing = f"{article(thing)} {thing}"
    question = rng.choice(
        [
            f"Is there {a_thing}?",
            f"Is there {a_thing} in the picture?",
            f"Do you see {a_thing}?",
            f"Can you see {a_thing}?",
            f"Does the picture show {a_thing}?",
        ]
    )
    return [Turn(question, f"Yes, there is {a_thing}." if found else f"No, there is no {thing}.")]


READ = (
    [
        "What does the text say?",
        "Read the text.",
        "What is written here?",
        "What is written in the picture?",
        "Read the word.",
        "What word is this?",
        "What text is in the image?",
        "What does it say?",
        "Which word do you see?",
        "Please read the text.",
        "What is the text in this picture?",
        "OCR",
        "What number is this?",
        "Read it.",
    ],
    ["图中写了什么？", "读出文字。", "文字是什么？", "上面写着什么？", "图片里的文字是什么？", "写的是什么？", "请读出图中的文字。", "这是什么字？"],
)


def read(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    question = pick(rng, language, *READ)
    word = scene.word
    if word is None:
        return [Turn(question, "There is no text in the picture." if language == "en" else "图中没有文字。")]
    return [Turn(question, f'The text says "{word.text}".' if language == "en" else f'文字是"{word.text}"。')]


def locate_question(rng: random.Random, thing: str, language: str) -> str:
    if rng.random() < 0.35:
        return f"<|ref|>{thing}<|/ref|>" + rng.choice((".", "") if language == "en" else ("。", ""))
    if language == "zh":
        return rng.choice([f"{thing}在哪里？", f"找到{thing}。", f"请定位{thing}。", f"定位{thing}。", f"框出{thing}。", f"图中的{thing}在哪里？"])
    return rng.choice(
        [
            f"Where is the {thing}?",
            f"Locate the {thing}.",
            f"Find the {thing}.",
            f"Locate the {thing} in the picture.",
            f"Give the box of the {thing}.",
            f"Where is the {thing} in the image?",
            f"Detect the {thing}.",
            f"Show me where the {thing} is.",
        ]
    )


def locate(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    """One thing, named so that there is no other of that name."""
    options = [((item.colour, item.kind), item) for item in scene.shapes]
    options += [((None, item.kind), item) for item in scene.shapes]
    options = [(wanted, item) for wanted, item in options if len(matching(scene, wanted)) == 1]
    if scene.word and (not options or rng.random() < 0.3):
        thing = "text" if language == "en" else "文字"
        return [Turn(locate_question(rng, thing, language), grounded(thing, scene, [scene.word]))]
    if not options:
        return None
    wanted, item = rng.choice(options)
    thing = filter_name(wanted, language, False)
    return [Turn(locate_question(rng, thing, language), grounded(thing, scene, [item]))]


def locate_all(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    """All things of a name, from left to right."""
    wanted = random_filter(rng, scene, 0.1)
    found = matching(scene, wanted)
    if len(found) > 4:
        return None
    thing = filter_name(wanted, language, True)
    if language == "en":
        question = rng.choice([f"Locate all {thing}.", f"Find all {thing}.", f"Where are the {thing}?", f"Detect all {thing}."])
        none = f"There are no {thing}."
    else:
        question = rng.choice([f"找到所有{thing}。", f"定位所有{thing}。", f"所有{thing}在哪里？"])
        none = f"没有{thing}。"
    return [Turn(question, grounded(thing, scene, found) if found else none)]


def grounded_caption(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    if not 1 <= len(scene.items) <= 3:
        return None
    parts = [grounded(with_article(item, language), scene, [item]) for item in scene.items]
    question = "<|grounding|>" + pick(rng, language, *DESCRIBE)
    return [Turn(question, joined(parts, language) + ("." if language == "en" else "。"))]


EXTREMES: Dict[str, Tuple[Callable[[Item], float], Sequence[str], Sequence[str]]] = {
    "left": (lambda i: -i.centre[0], ["on the left", "leftmost"], ["最左边"]),
    "right": (lambda i: i.centre[0], ["on the right", "rightmost"], ["最右边"]),
    "top": (lambda i: -i.centre[1], ["at the top"], ["最上面"]),
    "bottom": (lambda i: i.centre[1], ["at the bottom"], ["最下面"]),
    "large": (lambda i: i.area, ["largest", "biggest"], ["最大"]),
    "small": (lambda i: -i.area, ["smallest"], ["最小"]),
}


def random_extreme(rng: random.Random, scene: Scene, language: str) -> Optional[Tuple[str, Item]]:
    """A phrase that singles out a shape clearly, and that shape."""
    if len(scene.shapes) < 2:
        return None
    kind = rng.choice(tuple(EXTREMES))
    key, english, chinese = EXTREMES[kind]
    best, second = sorted(scene.shapes, key=key, reverse=True)[:2]
    if kind in ("large", "small"):
        clear = max(best.area, second.area) > 1.3 * min(best.area, second.area)
    else:
        clear = abs(key(best) - key(second)) > 7
    return (pick(rng, language, english, chinese), best) if clear else None


def extreme(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    found = random_extreme(rng, scene, language)
    if found is None:
        return None
    phrase, item = found
    if language == "zh":
        question = rng.choice([f"{phrase}的是什么？", f"{phrase}的图形是什么？"])
    elif phrase.startswith(("on", "at")):
        question = rng.choice([f"What is {phrase}?", f"Which shape is {phrase}?", f"What shape is {phrase}?"])
    else:
        question = rng.choice(
            [f"What is the {phrase} shape?", f"Which shape is the {phrase}?", f"What is the {phrase} object?"]
        )
    return [Turn(question, sentence(with_article(item, language), language))]


def relation(rng: random.Random, scene: Scene, language: str) -> Optional[Dialogue]:
    """Two shapes: what is on that side of the other; or whether one is on that side."""
    if len(scene.items) != 2 or scene.word or name_of(scene.items[0], "en") == name_of(scene.items[1], "en"):
        return None
    a, b = rng.sample(scene.items, 2)
    where = direction(a, b)
    if where is None:
        return None
    other, thing = name_of(b, language), name_of(a, language)
    if rng.random() < 0.5:
        question = f"What is {RELATION[where][0]} the {other}?" if language == "en" else f"{other}的{RELATION[where][1]}是什么？"
        return [Turn(question, sentence(with_article(a, language), language))]
    opposite = {"left": "right", "right": "left", "above": "below", "below": "above"}[where]
    asked = rng.choice((where, opposite))
    if language == "zh":
        question = f"{thing}在{other}的{RELATION[asked][1]}吗？"
        return [Turn(question, f"{'是的' if asked == where else '不是'}，{thing}在{other}的{RELATION[where][1]}。")]
    question = f"Is the {thing} {RELATION[asked][0]} the {other}?"
    return [Turn(question, f"{'Yes' if asked == where else 'No'}, it is {RELATION[where][0]} the {other}.")]
