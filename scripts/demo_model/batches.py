"""Groups of scenes and dialogues as arrays: every token once, in one flat list.

A picture's tokens and what stands before them are a prefix that all dialogues of its group share; a dialogue sees its prefix
and itself. So the tower and the prefix are computed once for many answers. Products run over the flat list, attention
over the rectangles of `Part`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from PIL.Image import Image

from curriculum import Group, multi_group, single_group, text_group, vision_group
from lexicon import CHARACTERS, COLOUR_NAMES, SHAPE_NAMES
from render import to_tile
from scene import WORD, Scene
from spec import Spec
from tokenizer import Tokenizer

KINDS = SHAPE_NAMES + (WORD,)
SYSTEM_TEXTS = (
    "You are a helpful assistant.",
    "You are a helpful assistant. Answer briefly.",
    "Answer in one sentence.",
    "你是一个助手。",
)


@dataclass
class PatchTargets:
    """What is to be seen at each patch of each tile [T, N]: 0 = nothing, else 1 + index."""

    cover: np.ndarray  # kind of what covers the patch's middle
    colour: np.ndarray  # its colour
    box: np.ndarray  # f32 [T, N, 4]: from the patch's middle to its left, upper, right and lower edge, in half tiles
    centre: np.ndarray  # kind of the item whose centre lies in the patch
    chars: np.ndarray  # [T, N, 2]: character whose centre lies in the patch's left and right half


@dataclass
class Bucket:
    """Dialogues of about one length: their prefixes, and indices of their tokens; past the end `num_tokens`."""

    group: np.ndarray  # [C]
    tokens: np.ndarray  # [C, L]


@dataclass
class Part:
    """Prefixes of one kind. prefix [G, P]: indices of tokens, past the end `num_tokens`; length [G]."""

    prefix: np.ndarray
    length: np.ndarray
    buckets: List[Bucket]


@dataclass
class Batch:
    """source [M]: a token id, or vocab_size + the index of a row of the visual table: tiles' tokens, newline, separator."""

    tiles: np.ndarray  # u8 [T, S, S, 3]
    patches: PatchTargets
    source: np.ndarray
    position: np.ndarray
    parts: List[Part]
    asked: np.ndarray  # [K]: tokens whose next one is to be told
    answers: np.ndarray  # [K]: which it is
    dialogue: np.ndarray  # [K]: of which dialogue
    tasks: List[str]  # of each dialogue

    @property
    def num_tokens(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class BatchShape:
    """How many groups of each kind a batch has, and how many dialogues each of them."""

    singles: int = 8
    dialogues: int = 8
    text_first: int = 2
    multis: int = 2
    multi_dialogues: int = 6
    texts: int = 1
    text_dialogues: int = 3
    vision_only: int = 0


def patch_targets(spec: Spec, scenes: Sequence[Scene], maps: Sequence[Tuple[float, float, float, float]]) -> PatchTargets:
    count, grid = len(scenes), spec.grid
    targets = PatchTargets(
        np.zeros((count, grid, grid), np.int64),
        np.zeros((count, grid, grid), np.int64),
        np.zeros((count, grid, grid, 4), np.float32),
        np.zeros((count, grid, grid), np.int64),
        np.zeros((count, grid, grid, 2), np.int64),
    )
    middles = (np.arange(grid) + 0.5) / grid

    def cell(value: float) -> int:
        return min(grid - 1, max(0, int(value * grid)))

    for index, (scene, (fx, fy, ox, oy)) in enumerate(zip(scenes, maps)):

        def in_tile(box: Tuple[float, float, float, float]) -> Tuple[float, float, float, float]:
            return (
                box[0] / scene.width * fx + ox,
                box[1] / scene.height * fy + oy,
                box[2] / scene.width * fx + ox,
                box[3] / scene.height * fy + oy,
            )

        for item in scene.items:
            x1, y1, x2, y2 = in_tile(item.box)
            row, column = cell((y1 + y2) / 2), cell((x1 + x2) / 2)
            covered = ((middles >= y1) & (middles <= y2))[:, None] & ((middles >= x1) & (middles <= x2))[None]
            covered[row, column] = True
            rows, columns = np.nonzero(covered)
            targets.cover[index, rows, columns] = 1 + KINDS.index(item.kind)
            targets.colour[index, rows, columns] = 1 + COLOUR_NAMES.index(item.colour)
            mx, my = middles[columns], middles[rows]
            targets.box[index, rows, columns] = 2 * np.stack([mx - x1, my - y1, x2 - mx, y2 - my], -1)
            targets.centre[index, row, column] = 1 + KINDS.index(item.kind)
            for char, char_box in item.chars:
                cx1, cy1, cx2, cy2 = in_tile(char_box)
                half = min(2 * grid - 1, max(0, int((cx1 + cx2) * grid)))
                targets.chars[index, cell((y1 + y2) / 2), half // 2, half % 2] = 1 + CHARACTERS.index(char)
    flat = (count, grid * grid)
    return PatchTargets(
        targets.cover.reshape(flat),
        targets.colour.reshape(flat),
        targets.box.reshape(*flat, 4),
        targets.centre.reshape(flat),
        targets.chars.reshape(*flat, 2),
    )


class Assembler:
    """Collects one batch."""

    def __init__(self, spec: Spec, tokenizer: Tokenizer, rng: random.Random):
        self.spec, self.tokenizer, self.rng = spec, tokenizer, rng
        self.scenes: List[Scene] = []
        self.tiles: List[np.ndarray] = []
        self.maps: List[Tuple[float, float, float, float]] = []
        self.source: List[int] = []
        self.position: List[int] = []
        self.asked: List[int] = []
        self.answers: List[int] = []
        self.dialogue: List[int] = []
        self.tasks: List[str] = []

    def add_scene(self, scene: Scene, image: Image) -> int:
        tile, to_fraction = to_tile(image, self.spec.image_size)
        self.scenes.append(scene)
        self.tiles.append(tile)
        self.maps.append(to_fraction)
        return len(self.scenes) - 1

    def picture_tokens(self, tile: int) -> List[int]:
        """The rows of a picture: global view, separator, and the same features as its only tile. Newline and separator
        are written as -1 and -2, since the number of tiles is not known yet."""
        side = self.spec.tile_tokens
        first = self.spec.vocab_size + tile * side * side
        view: List[int] = []
        for row in range(side):
            view += [first + row * side + column for column in range(side)] + [-1]
        return view + [-2] + view

    def add_tokens(self, ids: Sequence[int], first_position: int) -> range:
        begin = len(self.source)
        self.source += ids
        self.position += range(first_position, first_position + len(ids))
        return range(begin, len(self.source))

    def prefix_ids(self, group: Group, tiles: Sequence[int], question: str) -> List[int]:
        ids = [self.tokenizer.special["<｜begin▁of▁sentence｜>"]]
        if self.rng.random() < 0.06:
            ids += self.tokenizer.encode(self.rng.choice(SYSTEM_TEXTS))
        ids.append(self.tokenizer.special["<|User|>"])
        if tiles or question:
            ids += self.tokenizer.encode(": " + question)
        lines = len(tiles) > 1 and self.rng.random() < 0.3
        for i, tile in enumerate(tiles):
            ids += (self.tokenizer.encode("\n") if lines and i > 0 else []) + self.picture_tokens(tile)
        return ids

    def dialogue_ids(self, group: Group, dialogue_index: int) -> Tuple[List[int], List[bool]]:
        """Ids after the prefix, and which of them are the model's to say."""
        special, encode = self.tokenizer.special, self.tokenizer.encode
        ids: List[int] = []
        said: List[bool] = []

        def add(new: Sequence[int], is_answer: bool = False) -> None:
            ids.extend(new)
            said.extend([is_answer] * len(new))

        for i, turn in enumerate(group.dialogues[dialogue_index]):
            if i > 0:
                add([special["<|User|>"]] + encode(f": {turn.question}\n\n"))
            elif group.text_first:
                add(encode("\n\n"))
            elif group.scenes:
                add(encode(("\n" if self.rng.random() < 0.25 else "") + turn.question + "\n\n"))
            else:
                add(encode(f": {turn.question}\n\n"))
            add([special["<|Assistant|>"]] + encode(":"))
            add(encode(turn.answer) + [special["<｜end▁of▁sentence｜>"]], is_answer=True)
        return ids, said

    def add_part(self, groups: Sequence[Group], num_buckets: int) -> Part:
        prefixes: List[range] = []
        lines: List[Tuple[int, range]] = []
        for index, group in enumerate(groups):
            tiles = [self.add_scene(scene, image) for scene, image in zip(group.scenes, group.images)]
            question = group.dialogues[0][0].question if group.text_first else ""
            if group.text_first:
                question += self.rng.choice(("", "", "\n", " "))
            prefixes.append(self.add_tokens(self.prefix_ids(group, tiles, question), 0))
            for i in range(len(group.dialogues)):
                ids, said = self.dialogue_ids(group, i)
                tokens = self.add_tokens(ids, len(prefixes[-1]))
                for k in range(1, len(ids)):
                    if said[k]:
                        self.asked.append(tokens[k - 1])
                        self.answers.append(ids[k])
                        self.dialogue.append(len(self.tasks))
                self.tasks.append(group.tasks[i])
                lines.append((index, tokens))
        lines.sort(key=lambda line: len(line[1]))
        size = -(-len(lines) // num_buckets)
        buckets = [
            Bucket(np.array([g for g, _ in chunk]), padded([t for _, t in chunk]))
            for chunk in (lines[i : i + size] for i in range(0, len(lines), size))
        ]
        return Part(padded(prefixes), np.array([len(prefix) for prefix in prefixes]), buckets)

    def finish(self, parts: List[Part]) -> Batch:
        tokens_per_tile = self.spec.tile_tokens**2
        newline = self.spec.vocab_size + len(self.tiles) * tokens_per_tile
        source = np.array(self.source, np.int64)
        source[source == -1] = newline
        source[source == -2] = newline + 1
        for part in parts:
            part.prefix[part.prefix < 0] = len(source)
            for bucket in part.buckets:
                bucket.tokens[bucket.tokens < 0] = len(source)
        return Batch(
            np.stack(self.tiles),
            patch_targets(self.spec, self.scenes, self.maps),
            source,
            np.array(self.position, np.int64),
            parts,
            np.array(self.asked, np.int64),
            np.array(self.answers, np.int64),
            np.array(self.dialogue, np.int64),
            self.tasks,
        )


def padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Rows of equal length, filled with -1. A multiple of eight, so that shapes come again: see precision.py."""
    out = np.full((len(rows), -(-max(len(row) for row in rows) // 8) * 8), -1, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def make_batch(spec: Spec, tokenizer: Tokenizer, seed: int, shape: BatchShape) -> Batch:
    """The batch of a seed."""
    rng = random.Random(seed)
    assembler = Assembler(spec, tokenizer, rng)
    parts = []
    if shape.singles:
        parts.append(assembler.add_part([single_group(rng, shape.dialogues) for _ in range(shape.singles)], 3))
    if shape.text_first:
        groups = [single_group(rng, 1) for _ in range(shape.text_first)]
        for group in groups:
            group.text_first = True
        parts.append(assembler.add_part(groups, 1))
    if shape.multis:
        parts.append(assembler.add_part([multi_group(rng, shape.multi_dialogues) for _ in range(shape.multis)], 2))
    if shape.texts:
        parts.append(assembler.add_part([text_group(rng, shape.text_dialogues) for _ in range(shape.texts)], 1))
    for _ in range(shape.vision_only):
        group = vision_group(rng)
        assembler.add_scene(group.scenes[0], group.images[0])
    return assembler.finish(parts)
