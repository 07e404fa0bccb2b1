"""Whether an answer says what it should. Standard library only."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

Box = Tuple[float, float, float, float]

NONE_WORDS = ("there are no", "there is no", "没有")


def same_text(answer: str, expected: str) -> bool:
    """But for case, surrounding space and the final full stop."""
    return answer.strip().rstrip(".。").lower() == expected.strip().rstrip(".。").lower()


def number_in(answer: str) -> Optional[int]:
    """The first number; 0 for "There are no ..."."""
    match = re.search(r"\d+", answer)
    if match:
        return int(match.group())
    return 0 if any(word in answer.lower() for word in NONE_WORDS) else None


def quoted(answer: str) -> Optional[str]:
    match = re.search(r'"([^"]*)"', answer)
    return match.group(1) if match else None


def boxes_in(answer: str) -> List[Box]:
    """All boxes of all <|det|> lists."""
    found: List[Box] = []
    for inside in re.findall(r"<\|det\|>(.*?)<\|/det\|>", answer):
        for numbers in re.findall(r"\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]", inside):
            found.append(tuple(float(number) for number in numbers))  # type: ignore[arg-type]
    return found


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def share_over(values: Sequence[float], limit: float) -> float:
    return mean([float(value > limit) for value in values])


def share_right(values: Sequence[float]) -> float:
    return share_over(values, 0.5)


def first_overlap(answer: str, expected: str) -> float:
    """IoU of the first boxes of both, 0 where either has none."""
    got, want = boxes_in(answer), boxes_in(expected)
    return overlap(got[0], want[0]) if got and want else 0.0


def counted_right(answer: str, expected: str) -> float:
    return float(number_in(answer) == number_in(expected))


def read_right(answer: str, expected: str) -> float:
    return float(quoted(answer) == quoted(expected))


def said_right(answer: str, expected: str) -> float:
    return float(same_text(answer, expected))
