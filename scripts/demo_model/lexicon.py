"""The words of the demo model's little world: shapes, colours and printed words, in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Word:
    """A thing's name in both languages."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.zh


SHAPES: Dict[str, Word] = {
    "circle": Word("circle", "圆形"),
    "square": Word("square", "正方形"),
    "rectangle": Word("rectangle", "长方形"),
    "triangle": Word("triangle", "三角形"),
    "star": Word("star", "星形"),
    "diamond": Word("diamond", "菱形"),
    "cross": Word("cross", "十字形"),
    "ring": Word("ring", "圆环"),
}

COLOURS: Dict[str, Word] = {
    "red": Word("red", "红色"),
    "orange": Word("orange", "橙色"),
    "yellow": Word("yellow", "黄色"),
    "green": Word("green", "绿色"),
    "blue": Word("blue", "蓝色"),
    "purple": Word("purple", "紫色"),
    "pink": Word("pink", "粉色"),
    "brown": Word("brown", "棕色"),
    "black": Word("black", "黑色"),
    "white": Word("white", "白色"),
    "gray": Word("gray", "灰色"),
}

# Centre of each colour in RGB; render.py varies it by at most COLOUR_JITTER a channel.
RGB: Dict[str, Tuple[int, int, int]] = {
    "red": (214, 36, 36),
    "orange": (245, 135, 20),
    "yellow": (245, 218, 40),
    "green": (40, 160, 60),
    "blue": (40, 80, 215),
    "purple": (125, 45, 165),
    "pink": (248, 140, 185),
    "brown": (120, 72, 30),
    "black": (18, 18, 18),
    "white": (242, 242, 242),
    "gray": (132, 132, 132),
}
COLOUR_JITTER = 14

SHAPE_NAMES = tuple(SHAPES)
COLOUR_NAMES = tuple(COLOURS)
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

# Printed words besides random characters, so that the reader also meets plausible ones.
PRINTED_WORDS = (
    "A I GO NO UP ON IN OK HI CAT DOG SUN SKY RED CAR BUS TEA CUP BOX KEY MAP PEN HAT FOX BEE OWL ZOO JAM ICE "
    "OPEN STOP EXIT PUSH PULL HELP FISH BIRD TREE MOON STAR RAIN SNOW WIND FIRE BOOK DOOR ROAD SHIP LAMP MILK "
    "WATER HOUSE BREAD APPLE LEMON GRAPE HORSE TIGER ZEBRA WHALE RIVER BEACH CLOUD LIGHT MUSIC PIANO CLOCK "
    "HELLO WORLD GREEN BLACK WHITE QUICK JUMPY VIXEN NORTH SOUTH TAXI HOTEL CAFE SALE BANK PARK TAX VIP USB"
).split()
