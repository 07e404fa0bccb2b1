"""Makes the fixed set that check_cases.py asks: small pictures with questions, and what is true of them.

usage: make_cases.py FOLDER [--seed N]
"""

from __future__ import annotations

import argparse
import io
import json
import random
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import dialogues
import questions
from lexicon import LANGUAGES
from questions import Dialogue
from render import render
from scene import FEW, MANY, MIXED, READING, SINGLE, Scene, SceneKind, random_scene

SIDE = 224  # pixels

# Kind of scene, task, rating.
ABOUT_ONE: Sequence[Tuple[SceneKind, questions.Task, str]] = (
    (SINGLE, questions.name, "said"),
    (FEW, questions.colour_of, "said"),
    (MANY, questions.count_all, "counted"),
    (MANY, questions.count_some, "counted"),
    (READING, questions.read, "read"),
    (MIXED, questions.read, "read"),
    (SINGLE, questions.locate, "located"),
    (FEW, questions.locate, "located"),
    (FEW, questions.relation, "said"),
    (FEW, dialogues.follow_colour, "said"),
)


def plain_scene(rng: random.Random, kind: SceneKind) -> Scene:
    """Without texture: such a picture packs into a kilobyte."""
    scene = random_scene(rng, kind, square=1.0)
    scene.texture = "plain"
    return scene


def to_case(folder: Path, name: str, pngs: Sequence[bytes], dialogue: Dialogue, rating: str) -> Dict[str, Any]:
    names = [f"{name}_{i + 1}.png" for i in range(len(pngs))]
    for file, png in zip(names, pngs):
        (folder / file).write_bytes(png)
    turns = [{"question": turn.question, "answer": turn.answer} for turn in dialogue]
    return {"pictures": names, "rating": rating, "turns": turns}


def drawn(rng: random.Random, scene: Scene) -> bytes:
    out = io.BytesIO()
    render(rng, scene, SIDE).quantize(32).save(out, "PNG", optimize=True)
    return out.getvalue()


def case_about_one(rng: random.Random, kind: SceneKind, task: questions.Task, language: str) -> Tuple[List[bytes], Dialogue]:
    while True:
        scene = plain_scene(rng, kind)
        png = drawn(rng, scene)
        dialogue: Optional[Dialogue] = task(rng, scene, language)
        if dialogue is not None:
            return [png], dialogue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(arguments.seed)
    cases = []
    for language in LANGUAGES:
        for i, (kind, task, rating) in enumerate(ABOUT_ONE):
            pngs, dialogue = case_about_one(rng, kind, task, language)
            cases.append(to_case(arguments.folder, f"{language}_{i + 1}", pngs, dialogue, rating))
        scenes = [plain_scene(rng, SINGLE) for _ in range(2)]
        pngs = [drawn(rng, scene) for scene in scenes]
        compared = dialogues.compare(rng, scenes, language)
        assert compared is not None
        cases.append(to_case(arguments.folder, f"{language}_compare", pngs, compared, "said"))
        cases.append(to_case(arguments.folder, f"{language}_talk", [], dialogues.small_talk(rng, language), "said"))
    (arguments.folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
