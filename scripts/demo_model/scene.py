"""What is in a picture: objects laid out on a canvas. No pixels here; render.py draws a scene."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Tuple

from lexicon import COLOUR_NAMES, PRINTED_WORDS, RGB, SHAPE_NAMES

WORD = "word"  # the kind of an object that is printed text
MAX_SHAPES = 6
UNIT = 112.0  # the longer side of a canvas; all lengths of a scene are in this unit

# Smallest distance in RGB of an object's colour from its background's.
MIN_CONTRAST = 95.0
MIN_WORD_CONTRAST = 150.0

# Printed alone these tell letters from digits; O and 0, I and 1 look too much alike for words that mix both.
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
MIXED_CHARACTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

Box = Tuple[float, float, float, float]


@dataclass
class Item:
    """A shape or a printed word. `box`: x1, y1, x2, y2 of what is drawn."""

    kind: str
    colour: str
    box: Box
    text: str = ""
    angle: float = 0.0  # degrees
    font: int = 0
    chars: List[Tuple[str, Box]] = field(default_factory=list)  # filled in by render.py

    @property
    def centre(self) -> Tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])


@dataclass
class Scene:
    """Items from left to right on a canvas of width x height units."""

    width: float
    height: float
    background: Tuple[int, int, int]
    texture: str
    items: List[Item]

    @property
    def shapes(self) -> List[Item]:
        return [item for item in self.items if item.kind != WORD]

    @property
    def word(self) -> Optional[Item]:
        return next((item for item in self.items if item.kind == WORD), None)

    def box_in_thousandths(self, item: Item) -> Tuple[int, int, int, int]:
        """The item's box as the model writes it: 0 to 999 of the picture's width and height."""
        x1, y1, x2, y2 = item.box
        scaled = (x1 / self.width, y1 / self.height, x2 / self.width, y2 / self.height)
        return tuple(min(999, max(0, round(value * 999))) for value in scaled)  # type: ignore[return-value]


@dataclass(frozen=True)
class SceneKind:
    """How many shapes and words, and whether the shapes are drawn from few looks (pairs of shape and colour)."""

    num_shapes: Tuple[int, int]
    num_words: int = 0
    repeats: bool = False


SINGLE = SceneKind((1, 1))
FEW = SceneKind((2, 3))
MANY = SceneKind((1, MAX_SHAPES), repeats=True)
READING = SceneKind((0, 0), num_words=1)
MIXED = SceneKind((1, 2), num_words=1)
PRINTED = SceneKind((0, 2), num_words=6)  # much to read; for the tower alone

TEXTURES = ("plain", "plain", "gradient", "blotches", "stripes", "noise")


def contrast(a: Tuple[int, int, int], b: Tuple[int, int, int]) -> float:
    """Distance in RGB, weighted as eyes do."""
    return (2 * (a[0] - b[0]) ** 2 + 4 * (a[1] - b[1]) ** 2 + 3 * (a[2] - b[2]) ** 2) ** 0.5 / 3**0.5


def random_background(rng: random.Random) -> Tuple[int, int, int]:
    style = rng.random()
    if style < 0.35:
        level = rng.randint(205, 255)
        return tuple(min(255, level + rng.randint(-12, 12)) for _ in range(3))  # type: ignore[return-value]
    if style < 0.55:
        level = rng.randint(0, 60)
        return tuple(max(0, level + rng.randint(-12, 12)) for _ in range(3))  # type: ignore[return-value]
    if style < 0.8:
        return tuple(rng.randint(150, 255) for _ in range(3))  # type: ignore[return-value]
    return tuple(rng.randint(0, 255) for _ in range(3))  # type: ignore[return-value]


def random_text(rng: random.Random) -> str:
    style = rng.random()
    if style < 0.3:
        return rng.choice(PRINTED_WORDS)
    alphabet = LETTERS if style < 0.6 else MIXED_CHARACTERS if style < 0.8 else DIGITS
    length = rng.choice((1, 2, 3, 3, 4, 4, 5, 5, 5))
    return "".join(rng.choice(alphabet) for _ in range(length))


def overlaps(a: Box, b: Box, gap: float) -> bool:
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] + gap and b[1] < a[3] + gap


def place(rng: random.Random, width: float, height: float, canvas: Tuple[float, float], taken: Sequence[Box]) -> Optional[Box]:
    """A free place for a width x height box, or None."""
    room_x, room_y = canvas[0] - width - 2, canvas[1] - height - 2
    if room_x <= 0 or room_y <= 0:
        return None
    for _ in range(24):
        x, y = 1 + rng.random() * room_x, 1 + rng.random() * room_y
        box = (x, y, x + width, y + height)
        if not any(overlaps(box, other, 2.5) for other in taken):
            return box
    return None


def shape_size(rng: random.Random, shape: str, num_shapes: int) -> Tuple[float, float]:
    low, high = ((22, 84), (20, 52), (18, 42), (17, 36), (16, 30), (16, 28))[max(num_shapes, 1) - 1]
    size = low + (high - low) * rng.random() ** 1.3
    if shape == "rectangle":
        ratio = rng.uniform(1.6, 2.4)
        long_side, short_side = max(size, 24.0), max(size, 24.0) / ratio
        return (long_side, short_side) if rng.random() < 0.5 else (short_side, long_side)
    if shape == "diamond":
        return size * rng.uniform(0.75, 1.0), size
    return size, size


def random_looks(rng: random.Random, kind: SceneKind, colours: Sequence[str], num_shapes: int) -> List[Tuple[str, str]]:
    """Shape and colour of each shape."""
    if not kind.repeats:
        return [(rng.choice(SHAPE_NAMES), rng.choice(colours)) for _ in range(num_shapes)]
    few_shapes = rng.sample(SHAPE_NAMES, rng.randint(1, 3))
    few_colours = rng.sample(colours, min(len(colours), rng.randint(1, 3)))
    return [(rng.choice(few_shapes), rng.choice(few_colours)) for _ in range(num_shapes)]


def random_canvas(rng: random.Random, square: float) -> Tuple[float, float]:
    if rng.random() < square:
        return UNIT, UNIT
    short_side = UNIT * rng.uniform(0.55, 0.98)
    return (UNIT, short_side) if rng.random() < 0.6 else (short_side, UNIT)


def random_scene(rng: random.Random, kind: SceneKind, square: float = 0.75) -> Scene:
    """A scene of that kind. `square`: the share of square pictures."""
    canvas = random_canvas(rng, square)
    scale = (min(canvas) / UNIT) ** 0.5
    background = random_background(rng)
    colours = [name for name in COLOUR_NAMES if contrast(RGB[name], background) >= MIN_CONTRAST]
    items: List[Item] = []
    boxes: List[Box] = []
    readable = [name for name in colours if contrast(RGB[name], background) >= MIN_WORD_CONTRAST]
    for _ in range(kind.num_words):
        text = random_text(rng)
        room = 0.94 if kind.num_shapes[1] == 0 else 0.8
        pitch = min(rng.uniform(11, 24 if kind.num_words == 1 else 17), canvas[0] * room / len(text))
        box = place(rng, pitch * len(text), pitch * 1.25, canvas, boxes)
        if box is not None:
            items.append(Item(WORD, rng.choice(readable or ["white"]), box, text=text, font=rng.randrange(1 << 16)))
            boxes.append(box)
    num_shapes = rng.randint(*kind.num_shapes)
    for shape, colour in random_looks(rng, kind, colours, num_shapes):
        width, height = shape_size(rng, shape, min(num_shapes + kind.num_words, MAX_SHAPES))
        box = place(rng, width * scale, height * scale, canvas, boxes)
        if box is not None:
            items.append(Item(shape, colour, box, angle=rng.uniform(-12, 12)))
            boxes.append(box)
    items.sort(key=lambda item: item.centre[0])
    return Scene(canvas[0], canvas[1], background, rng.choice(TEXTURES), items)
