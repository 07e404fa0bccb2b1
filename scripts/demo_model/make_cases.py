"""Makes the fixed set that check_cases.py asks: small pictures with questions that a served model answers right.

usage: make_cases.py FOLDER --base-url URL [--seed N]
"""

from __future__ import annotations

import argparse
import io
import json
import random
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import dialogues
import questions
from check_cases import answer_of, is_right
from client import Client
from lexicon import LANGUAGES
from questions import Dialogue
from render import render
from scene import FEW, MANY, MIXED, READING, SINGLE, Scene, SceneKind, random_scene

SIDE = 224  # pixels
TRIES = 12

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


def right_case(client: Client, folder: Path, make: Callable[[], Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The first case of a few that the model answers right, if there is one."""
    for _ in range(TRIES):
        case = make()
        if is_right(answer_of(client, folder, case), case):
            return [case]
        for name in case["pictures"]:
            (folder / name).unlink()
    return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    client, rng = Client(arguments.base_url), random.Random(arguments.seed)
    cases: List[Dict[str, Any]] = []
    for language in LANGUAGES:
        for i, (kind, task, rating) in enumerate(ABOUT_ONE):

            def about_one() -> Dict[str, Any]:
                return to_case(folder, f"{language}_{i + 1}", *case_about_one(rng, kind, task, language), rating)

            cases += right_case(client, folder, about_one)

        def compared() -> Dict[str, Any]:
            scenes = [plain_scene(rng, SINGLE) for _ in range(2)]
            pngs = [drawn(rng, scene) for scene in scenes]
            dialogue = dialogues.compare(rng, scenes, language)
            assert dialogue is not None
            return to_case(folder, f"{language}_compare", pngs, dialogue, "said")

        cases += right_case(client, folder, compared)
        cases += right_case(
            client, folder, lambda: to_case(folder, f"{language}_talk", [], dialogues.small_talk(rng, language), "said")
        )
    (folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
