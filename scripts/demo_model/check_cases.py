"""Asks a server of its own the questions of a fixed set, and fails where too few answers are right: then the weights, or what
computes them, have changed. How good the model is, evaluate.py tells. Standard library only.

usage: check_cases.py PROGRAM MODEL_FOLDER CASES_FOLDER
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import score
from client import Client, assistant_message, user_message

LEAST_SHARE_RIGHT = 0.9
LEAST_OVERLAP = 0.5
RATINGS = {"said": score.said_right, "counted": score.counted_right, "read": score.read_right, "located": score.first_overlap}


def answer_of(client: Client, folder: Path, case: Dict[str, Any]) -> str:
    messages: List[Dict[str, Any]] = []
    answer = ""
    for i, turn in enumerate(case["turns"]):
        pictures = [(folder / name).read_bytes() for name in case["pictures"]] if i == 0 else []
        messages.append(user_message(turn["question"], pictures))
        answer = client.ask(messages)
        messages.append(assistant_message(answer))
    return answer


def is_right(answer: str, case: Dict[str, Any]) -> bool:
    return RATINGS[case["rating"]](answer, case["turns"][-1]["answer"]) > LEAST_OVERLAP


def wrong_answers(client: Client, folder: Path, cases: List[Dict[str, Any]]) -> List[str]:
    found = []
    for case in cases:
        answer = answer_of(client, folder, case)
        if not is_right(answer, case):
            turn = case["turns"][-1]
            found.append(f"{case['pictures']} {turn['question']!r}: {answer!r}, not {turn['answer']!r}")
    return found


def main() -> int:
    program, model, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    server = subprocess.Popen(
        [program, "launch", "--model-path", model, "--port", "0", "--log-level", "error"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        line = next((line for line in server.stdout if "http://" in line), "")
        address = re.search(r"http://\S+", line)
        if address is None:
            print("the server did not start")
            return 1
        wrong = wrong_answers(Client(address.group()), folder, cases)
    finally:
        server.terminate()
        server.wait()
    for line in wrong:
        print(line)
    share = 1 - len(wrong) / len(cases)
    print(f"{share:.0%} of {len(cases)} answers are right; at least {LEAST_SHARE_RIGHT:.0%} must be")
    return 0 if share >= LEAST_SHARE_RIGHT else 1


if __name__ == "__main__":
    sys.exit(main())
