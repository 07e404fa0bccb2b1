"""Measures a served demo model on pictures that nobody has seen, over the HTTP API.

usage: evaluate.py --base-url URL [--seed N] [--count N] [--model NAME] [--show N]

`count` questions per task and language. Exits with 1 where a bar is missed. Needs python3-pil, python3-numpy and
fonts-dejavu-core.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import dialogues
import questions
import score
from client import Client, assistant_message, user_message
from lexicon import LANGUAGES
from questions import Dialogue
from render import random_side, render
from scene import FEW, MANY, MIXED, READING, SINGLE, Scene, SceneKind, random_scene

MAX_LANGUAGE_GAP = 0.03
PARALLEL_REQUESTS = 4

MakeDialogue = Callable[[random.Random, Sequence[Scene], str], Optional[Dialogue]]


def about_one(task: questions.Task) -> MakeDialogue:
    return lambda rng, scenes, language: task(rng, scenes[0], language)


def any_of(*tasks: questions.Task) -> MakeDialogue:
    return lambda rng, scenes, language: rng.choice(tasks)(rng, scenes[0], language)


def talk(rng: random.Random, scenes: Sequence[Scene], language: str) -> Optional[Dialogue]:
    return dialogues.text_only(rng, language)[:1]


@dataclass(frozen=True)
class Ability:
    """What is measured: scenes to draw, questions to ask, how an answer counts, and the least mean. The last answer of a
    dialogue counts; earlier ones stand in the history as the model gave them."""

    name: str
    kinds: Tuple[SceneKind, ...]
    make: MakeDialogue
    rate: Callable[[str, str], float]
    bar: Optional[float] = None
    bar_over_half: Optional[float] = None  # least share of ratings over 0.5
    num_pictures: int = 1


ABILITIES = (
    Ability("name", (SINGLE,), about_one(questions.name), score.said_right, bar=0.95),
    Ability("count", (MANY, MANY, FEW), any_of(questions.count_all, questions.count_some), score.counted_right, bar=0.95),
    Ability("read", (READING, READING, MIXED), about_one(questions.read), score.read_right, bar=0.85),
    Ability("locate", (SINGLE, FEW, MANY), about_one(questions.locate), score.first_overlap, bar=0.75, bar_over_half=0.9),
    Ability("colour", (FEW,), any_of(questions.colour_of, questions.shape_of), score.said_right),
    Ability("describe", (FEW, MIXED), about_one(questions.describe), score.said_right),
    Ability("relation", (FEW,), any_of(questions.relation, questions.extreme), score.said_right),
    Ability("second_turn", (FEW,), any_of(dialogues.follow_colour, dialogues.follow_count), score.said_right),
    Ability(
        "compare",
        (SINGLE, FEW),
        lambda r, s, l: r.choice((dialogues.compare, dialogues.describe_one, dialogues.which_picture))(r, s, l),
        score.said_right,
        num_pictures=2,
    ),
    Ability("talk", (SINGLE,), talk, score.said_right, num_pictures=0),
)


@dataclass
class Case:
    dialogue: Dialogue
    pngs: List[bytes]


def to_png(rng: random.Random, scene: Scene) -> bytes:
    out = io.BytesIO()
    render(rng, scene, random_side(rng)).save(out, "PNG")
    return out.getvalue()


def make_case(ability: Ability, language: str, seed: str) -> Case:
    """Renders before it asks: only pixels know the exact boxes."""
    rng = random.Random(seed)
    while True:
        kind = rng.choice(ability.kinds)
        scenes = [random_scene(rng, kind) for _ in range(max(1, ability.num_pictures))]
        pngs = [to_png(rng, scene) for scene in scenes]
        dialogue = ability.make(rng, scenes, language)
        if dialogue is not None:
            return Case(dialogue, pngs[: ability.num_pictures])


def ask(client: Client, case: Case) -> str:
    messages = []
    answer = ""
    for i, turn in enumerate(case.dialogue):
        if i > 0:
            messages.append(assistant_message(answer))
        messages.append(user_message(turn.question, case.pngs if i == 0 else ()))
        answer = client.ask(messages)
    return answer


def measure(client: Client, ability: Ability, language: str, arguments: argparse.Namespace) -> List[float]:
    cases = [make_case(ability, language, f"{arguments.seed} {ability.name} {language} {i}") for i in range(arguments.count)]
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        answers = list(pool.map(lambda case: ask(client, case), cases))
    ratings = [ability.rate(answer, case.dialogue[-1].answer) for answer, case in zip(answers, cases)]
    wrong = [i for i, rating in enumerate(ratings) if rating <= 0.5]
    for i in wrong[: arguments.show]:
        print(f"  {cases[i].dialogue[-1].question!r}: {answers[i]!r}, not {cases[i].dialogue[-1].answer!r}")
    return ratings


def misses(ability: Ability, ratings: Dict[str, List[float]]) -> List[str]:
    """The bars that are missed, in words."""
    found = []
    for language, values in ratings.items():
        if ability.bar is not None and score.mean(values) < ability.bar:
            found.append(f"{ability.name} {language}: {score.mean(values):.3f}, less than {ability.bar}")
        if ability.bar_over_half is not None and score.share_right(values) < ability.bar_over_half:
            found.append(
                f"{ability.name} {language}: {score.share_right(values):.3f} over 0.5, less than {ability.bar_over_half}"
            )
    english, chinese = (score.mean(ratings[language]) for language in LANGUAGES)
    if ability.bar is not None and abs(english - chinese) > MAX_LANGUAGE_GAP:
        found.append(
            f"{ability.name}: English {english:.3f} and Chinese {chinese:.3f} are further apart than {MAX_LANGUAGE_GAP}"
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--model", default="", help="default: the first that the server names")
    parser.add_argument("--only", default="", help="abilities, separated by commas")
    parser.add_argument("--show", type=int, default=0, help="wrong answers to show per ability and language")
    arguments = parser.parse_args()
    client = Client(arguments.base_url, arguments.model)
    missed: List[str] = []
    print(f"{'ability':<14}{'English':>10}{'Chinese':>10}{'bar':>8}")
    for ability in ABILITIES:
        if arguments.only and ability.name not in arguments.only.split(","):
            continue
        ratings = {language: measure(client, ability, language, arguments) for language in LANGUAGES}
        bar = "" if ability.bar is None else f"{ability.bar:.2f}"
        print(
            f"{ability.name:<14}" + "".join(f"{score.mean(ratings[language]):>10.3f}" for language in LANGUAGES) + f"{bar:>8}",
            flush=True,
        )
        if ability.bar_over_half is not None:
            shares = "".join(f"{score.share_right(ratings[language]):>10.3f}" for language in LANGUAGES)
            print(f"{'  IoU > 0.5':<14}{shares}{ability.bar_over_half:>8.2f}")
        missed += misses(ability, ratings)
    for line in missed:
        print("missed: " + line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
