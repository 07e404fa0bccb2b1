"""Which scenes and questions a training batch holds."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Callable, List, Optional, Sequence, Tuple

from PIL.Image import Image

import dialogues
import questions
from lexicon import LANGUAGES
from questions import Dialogue, Task
from render import random_side, render
from scene import FEW, MANY, MIXED, PRINTED, READING, SINGLE, Scene, SceneKind, random_scene

# Per kind of scene: its share, and the tasks with their weights.
KINDS: Sequence[Tuple[SceneKind, float, Sequence[Tuple[Task, float]]]] = (
    (
        SINGLE,
        0.14,
        (
            (questions.name, 3),
            (questions.describe, 2),
            (questions.colour_of, 1),
            (questions.shape_of, 1),
            (questions.locate, 3),
            (questions.count_all, 1),
            (questions.count_some, 1),
            (questions.presence, 1),
            (questions.grounded_caption, 1),
            (questions.read, 0.3),
        ),
    ),
    (
        FEW,
        0.28,
        (
            (questions.describe, 3),
            (questions.colour_of, 1),
            (questions.shape_of, 1),
            (questions.locate, 4),
            (questions.extreme, 1.5),
            (questions.count_all, 1),
            (questions.count_some, 2),
            (questions.presence, 1),
            (questions.grounded_caption, 1.5),
            (questions.relation, 3),
            (questions.locate_all, 0.7),
            (dialogues.follow_item, 1),
            (dialogues.follow_colour, 0.5),
            (questions.read, 0.2),
        ),
    ),
    (
        MANY,
        0.28,
        (
            (questions.count_all, 4),
            (questions.count_some, 7),
            (questions.presence, 1),
            (questions.locate, 2),
            (questions.extreme, 1),
            (questions.describe, 1),
            (dialogues.follow_count, 1.5),
            (questions.locate_all, 1),
            (dialogues.follow_item, 0.5),
        ),
    ),
    (
        READING,
        0.2,
        (
            (questions.read, 6),
            (questions.describe, 1.5),
            (questions.locate, 1),
            (questions.grounded_caption, 0.5),
            (questions.count_all, 0.3),
        ),
    ),
    (
        MIXED,
        0.1,
        (
            (questions.read, 5),
            (questions.describe, 2),
            (questions.locate, 2),
            (questions.colour_of, 1),
            (questions.count_all, 1),
            (questions.presence, 0.5),
            (questions.grounded_caption, 1),
        ),
    ),
)

PairTask = Callable[[random.Random, Sequence[Scene], str], Optional[Dialogue]]
PAIR_TASKS: Sequence[Tuple[PairTask, float]] = (
    (dialogues.compare, 3),
    (dialogues.describe_one, 3),
    (dialogues.which_picture, 2),
    (dialogues.more_shapes, 2),
    (dialogues.same_shape, 1),
    (dialogues.read_one, 1.5),
)


@dataclass
class Group:
    """Scenes, drawn, that all dialogues of the group are about: boxes are known once a scene is drawn. `text_first`: the first
    question stands before the picture."""

    scenes: List[Scene]
    images: List[Image]
    dialogues: List[Dialogue]
    tasks: List[str] = field(default_factory=list)  # of each dialogue
    text_first: bool = False

    def add(self, task: str, dialogue: Dialogue) -> None:
        self.dialogues.append(dialogue)
        self.tasks.append(task)


def drawn(rng: random.Random, scenes: List[Scene]) -> Group:
    """A group without dialogues."""
    return Group(scenes, [render(rng, scene, random_side(rng)) for scene in scenes], [])


def random_language(rng: random.Random) -> str:
    return rng.choice(LANGUAGES)


def single_group(rng: random.Random, num_dialogues: int) -> Group:
    """One picture with that many dialogues."""
    kind, _, tasks = rng.choices(KINDS, [share for _, share, _ in KINDS])[0]
    return fill_single(rng, random_scene(rng, kind), tasks, num_dialogues)


def fill_single(rng: random.Random, scene: Scene, tasks: Sequence[Tuple[Task, float]], count: int) -> Group:
    group = drawn(rng, [scene])
    weights = [weight for _, weight in tasks]
    while len(group.dialogues) < count:
        language = random_language(rng)
        if rng.random() < 0.03:
            group.add("talk", dialogues.talk_beside_picture(rng, language))
            continue
        task = rng.choices(tasks, weights)[0][0]
        dialogue = task(rng, scene, language)
        if dialogue is None:
            continue
        if rng.random() < 0.06:
            second = rng.choices(tasks, weights)[0][0](rng, scene, random_language(rng))
            dialogue = dialogue + (second or [])
        group.add(task.__name__, dialogue)
    return group


PAIR_KINDS = ((SINGLE, 4), (FEW, 3), (MANY, 2), (READING, 2))


def multi_group(rng: random.Random, num_dialogues: int) -> Group:
    """Two or three pictures of one kind of scene with that many dialogues."""
    kind = rng.choices([kind for kind, _ in PAIR_KINDS], [weight for _, weight in PAIR_KINDS])[0]
    scenes = [random_scene(rng, kind, square=0.9) for _ in range(2 if rng.random() < 0.75 else 3)]
    group = drawn(rng, scenes)
    while len(group.dialogues) < num_dialogues:
        task = rng.choices([task for task, _ in PAIR_TASKS], [weight for _, weight in PAIR_TASKS])[0]
        dialogue = task(rng, scenes, random_language(rng))
        if dialogue is not None:
            group.add(task.__name__, dialogue)
    return group


def text_group(rng: random.Random, num_dialogues: int) -> Group:
    """No picture."""
    group = drawn(rng, [])
    for _ in range(num_dialogues):
        group.add("talk", dialogues.text_only(rng, random_language(rng)))
    return group


VISION_KINDS = ((PRINTED, 0.45), (MANY, 0.3), (FEW, 0.1), (SINGLE, 0.05), (READING, 0.1))


def vision_group(rng: random.Random) -> Group:
    """One picture without dialogues, for the tower alone."""
    kind = rng.choices([kind for kind, _ in VISION_KINDS], [share for _, share in VISION_KINDS])[0]
    return drawn(rng, [random_scene(rng, kind)])


def sample_texts(seed: int, count: int) -> List[str]:
    """Questions and answers as training has them, for the tokenizer to learn from."""
    rng = random.Random(seed)
    texts = []
    for i in range(count):
        group = (single_group, single_group, multi_group, text_group)[i % 4](rng, 4)
        for dialogue in group.dialogues:
            for turn in dialogue:
                texts += [f": {turn.question}\n\n", turn.question + "\n\n", turn.answer]
    return texts
