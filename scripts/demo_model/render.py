"""Draws scenes. Boxes of the scene's items become those of the pixels drawn."""

from __future__ import annotations

import functools
import math
import random
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lexicon import COLOUR_JITTER, RGB
from scene import UNIT, WORD, Item, Scene

FONT_FOLDER = Path("/usr/share/fonts/truetype/dejavu")
FONT_NAMES = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
)

Point = Tuple[float, float]
Colour = Tuple[int, int, int]


@functools.lru_cache(maxsize=512)
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    path = FONT_FOLDER / name
    if not path.exists():
        raise SystemExit(f"{path} is missing: apt-get install fonts-dejavu-core")
    return ImageFont.truetype(str(path), size)


def jittered(rng: random.Random, colour: str) -> Colour:
    red, green, blue = (min(255, max(0, c + rng.randint(-COLOUR_JITTER, COLOUR_JITTER))) for c in RGB[colour])
    return red, green, blue


def textured(rng: random.Random, scene: Scene, size: Tuple[int, int]) -> Image.Image:
    """The background: near `scene.background` everywhere."""
    base = np.array(scene.background, dtype=np.float32)
    noise = np.random.default_rng(rng.getrandbits(32))
    if scene.texture == "plain":
        return Image.new("RGB", size, scene.background)
    if scene.texture == "gradient":
        small = base + noise.uniform(-22, 22, (2, 2, 3))
    elif scene.texture == "blotches":
        small = base + noise.uniform(-16, 16, (6, 6, 3))
    elif scene.texture == "stripes":
        count = rng.randint(8, 28)
        line = base + noise.choice((-9.0, 9.0), (count, 1)) * np.ones(3)
        small = line[None] if rng.random() < 0.5 else line[:, None]
    else:
        small = base + noise.normal(0, 7, (56, 56, 1))
    pixels = np.clip(small, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize(size, Image.BILINEAR)


def rotated(points: Sequence[Point], centre: Point, degrees: float) -> List[Point]:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (centre[0] + (x - centre[0]) * cos - (y - centre[1]) * sin, centre[1] + (x - centre[0]) * sin + (y - centre[1]) * cos)
        for x, y in points
    ]


def outline(item: Item) -> List[Point]:
    """Corners of a shape with straight sides, before rotation, filling the item's box."""
    x1, y1, x2, y2 = item.box
    width, height = x2 - x1, y2 - y1
    cx, cy = item.centre
    if item.kind in ("square", "rectangle"):
        return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    if item.kind == "triangle":
        return [(cx, y1), (x2, y2), (x1, y2)]
    if item.kind == "diamond":
        return [(cx, y1), (x2, cy), (cx, y2), (x1, cy)]
    if item.kind == "cross":
        unit = [(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1), (-1, -1)]
        return [(cx + x * width / 6, cy + y * height / 6) for x, y in unit]
    if item.kind == "star":
        radii = [1.0 if i % 2 == 0 else 0.42 for i in range(10)]
        return [
            (cx + r * width / 2 * math.sin(i * math.pi / 5), cy - r * height / 2 * math.cos(i * math.pi / 5))
            for i, r in enumerate(radii)
        ]
    raise ValueError(f"{item.kind} has no corners")


def fitted(points: List[Point], item: Item) -> List[Point]:
    """Rotated corners shrunk back into the item's box."""
    turned = rotated(points, item.centre, item.angle)
    xs, ys = [p[0] for p in turned], [p[1] for p in turned]
    x1, y1, x2, y2 = item.box
    factor = min((x2 - x1) / (max(xs) - min(xs)), (y2 - y1) / (max(ys) - min(ys)))
    cx, cy = item.centre
    mx, my = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    return [(cx + (x - mx) * factor, cy + (y - my) * factor) for x, y in turned]


def draw_shape(draw: ImageDraw.ImageDraw, item: Item, fill: Colour, scale: float) -> None:
    if item.kind in ("circle", "ring"):
        box = [value * scale for value in item.box]
        if item.kind == "circle":
            draw.ellipse(box, fill=fill)
        else:
            draw.ellipse(box, outline=fill, width=max(2, round((box[2] - box[0]) * 0.2)))
        return
    points = fitted(outline(item), item)
    draw.polygon([(x * scale, y * scale) for x, y in points], fill=fill)
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    item.box = (min(xs), min(ys), max(xs), max(ys))


def draw_word(draw: ImageDraw.ImageDraw, item: Item, fill: Colour, scale: float) -> None:
    """Draws the characters in equal steps or in the font's own, into the item's box; sets `box` and `chars`."""
    x1, y1, x2, y2 = item.box
    name = FONT_NAMES[item.font % len(FONT_NAMES)]
    pitch = (x2 - x1) / len(item.text) * scale
    font = load_font(name, max(6, round(pitch * 1.15)))
    advances = [max(font.getlength(c), 0.62 * pitch) for c in item.text]
    left = (x1 + x2) / 2 * scale - sum(advances) / 2
    base = (y1 + y2) / 2 * scale
    item.chars = []
    for char, advance in zip(item.text, advances):
        origin = (left + advance / 2, base)
        draw.text(origin, char, fill=fill, font=font, anchor="mm")
        ink = draw.textbbox(origin, char, font=font, anchor="mm")
        item.chars.append((char, tuple(value / scale for value in ink)))  # type: ignore[arg-type]
        left += advance
    boxes = [box for _, box in item.chars]
    item.box = (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))


def render(rng: random.Random, scene: Scene, longer_side: int) -> Image.Image:
    """The picture, its longer side as said, in pixels."""
    scale = longer_side / UNIT
    size = (round(scene.width * scale), round(scene.height * scale))
    image = textured(rng, scene, size)
    draw = ImageDraw.Draw(image)
    for item in scene.items:
        fill = jittered(rng, item.colour)
        if item.kind == WORD:
            draw_word(draw, item, fill, scale)
        else:
            draw_shape(draw, item, fill, scale)
    return image


def random_side(rng: random.Random) -> int:
    """A side length as uploads have them; 224 shrinks fastest."""
    return 224 if rng.random() < 0.5 else rng.randint(112, 448)


def to_tile(image: Image.Image, side: int) -> Tuple[np.ndarray, Tuple[float, float, float, float]]:
    """The picture padded to a side x side tile as the server does it; and factor and offset, x and y, from fractions of the
    picture to fractions of the tile."""
    width, height = image.size
    if width >= height:
        fit = (side, round(height / width * side))
    else:
        fit = (round(width / height * side), side)
    resized = image.resize(fit, Image.BICUBIC)
    if fit == (side, side):
        return np.asarray(resized), (1.0, 1.0, 0.0, 0.0)
    offset = (round((side - fit[0]) * 0.5), round((side - fit[1]) * 0.5))
    canvas = Image.new("RGB", (side, side), (127, 127, 127))
    canvas.paste(resized, offset)
    return np.asarray(canvas), (fit[0] / side, fit[1] / side, offset[0] / side, offset[1] / side)
