"""Trains the demo model; run again with the same folder it goes on where the last checkpoint was.

usage: train.py FOLDER [--tokenizer FOLDER] [--threads N] [--minutes M]

FOLDER gets checkpoint.pt every few minutes and train.log. Pictures and dialogues are made while training, by worker processes,
a fresh batch for each step from the step's number: nothing is stored, and no picture is seen twice.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import torch
import torch.nn.functional as F

from batches import Batch, BatchShape, make_batch
from model import DemoModel, decay, make_layout, parameter_count, patch_targets_of, warm_up
from muon import Muon
from precision import bf16_is_fast, use_bf16
from spec import Spec
from tokenizer import Tokenizer
from vision import PATCH_LOSS_WEIGHTS, patch_losses

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stage:
    """Steps up to `until` have batches of `shape`."""

    until: int
    shape: BatchShape


STAGES = (
    Stage(4_000, BatchShape(singles=0, text_first=0, multis=0, texts=0, vision_only=32)),
    Stage(1 << 60, BatchShape(singles=8, dialogues=8, text_first=2, multis=1, texts=1, vision_only=6)),
)
PEAK_RATE = 1e-3  # of AdamW
MUON_RATE = 2.5e-3
WARM_UP_STEPS = 200
RATE_HALF_LIFE = 20_000.0  # steps
AVERAGE_KEEPS = 0.9995  # of the averaged weights, each step, at most
AVERAGED_SHARE = 1 / 8  # of the steps of a stage, about: the average soon forgets how it began
BALANCE_RATE = 1e-3
CHECKPOINT_SECONDS = 180
LOG_STEPS = 100


def average_keeps(step: int) -> float:
    began = max([stage.until for stage in STAGES if stage.until <= step], default=0)
    return min(AVERAGE_KEEPS, 1 - 1 / (1 + AVERAGED_SHARE * (step - began)))


def make_optimizers(model: DemoModel) -> List[torch.optim.Optimizer]:
    """Muon for the matrices inside, AdamW for what meets pixels, words and targets, and for vectors."""
    outer = ("embed_tokens", "lm_head", "pos_embed", "patch_embed", "patch_heads")
    inside, others = [], []
    for name, parameter in model.named_parameters():
        is_inside = parameter.ndim >= 2 and not any(part in name for part in outer)
        (inside if is_inside else others).append(parameter)
    adam = torch.optim.AdamW(others, lr=PEAK_RATE, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0, foreach=True)
    return [Muon(inside, lr=MUON_RATE), adam]


def shape_of_step(step: int) -> BatchShape:
    return next(stage.shape for stage in STAGES if step < stage.until)


def produce(tokenizer_path: str, first: int, stride: int, out: "multiprocessing.Queue[Tuple[int, Batch]]") -> None:
    """Worker: the batches of steps first, first + stride, ..."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    spec, tokenizer = Spec(), Tokenizer.load(Path(tokenizer_path))
    step = first
    while os.getppid() != 1:
        out.put((step, make_batch(spec, tokenizer, step, shape_of_step(step))))
        step += stride


def batches_from(step: int, tokenizer_path: str, workers: int) -> Iterator[Batch]:
    queues = [multiprocessing.Queue(maxsize=6) for _ in range(workers)]
    for i, out in enumerate(queues):
        multiprocessing.Process(target=produce, args=(tokenizer_path, step + i, workers, out), daemon=True).start()
    first = step
    while True:
        made, batch = queues[(step - first) % workers].get()
        if made != step:
            raise RuntimeError(f"a worker made the batch of step {made}, not {step}")
        yield batch
        step += 1


class Averages:
    """Means of named figures since the last line of the log."""

    def __init__(self) -> None:
        self.sums: Dict[str, float] = defaultdict(float)
        self.counts: Dict[str, float] = defaultdict(float)

    def add(self, name: str, value: float, count: float = 1) -> None:
        self.sums[name] += value
        self.counts[name] += count

    def line(self) -> str:
        text = " ".join(f"{name}={self.sums[name] / self.counts[name]:.4g}" for name in sorted(self.sums) if self.counts[name])
        self.__init__()  # type: ignore[misc]
        return text


class Trainer:
    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = folder, device
        self.spec = Spec()
        torch.manual_seed(1)
        self.model = DemoModel(self.spec).to(device)
        self.optimizers = make_optimizers(self.model)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.step = 0
        self.averages = Averages()
        if (folder / "checkpoint.pt").exists():
            self.load()

    def load(self) -> None:
        state: Dict[str, Any] = torch.load(self.folder / "checkpoint.pt", map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        for optimizer, optimizer_state in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(optimizer_state)
        self.step = state["step"]

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "step": self.step,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        torch.save(state, self.folder / "checkpoint.new")
        (self.folder / "checkpoint.new").replace(self.folder / "checkpoint.pt")

    def train_on(self, batch: Batch) -> None:
        self.model.train()
        features = self.model.features(torch.from_numpy(batch.tiles).to(self.device))
        losses = patch_losses(self.model.patch_heads(features), patch_targets_of(batch, self.device))
        loss = sum(PATCH_LOSS_WEIGHTS[name] * value for name, value in losses.items())
        if batch.num_tokens:
            losses["answer"] = self.answer_loss(batch, features)
            loss = loss + losses["answer"]
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * warm_up(self.step, WARM_UP_STEPS) * decay(self.step, RATE_HALF_LIFE)
            optimizer.step()
        for layer in self.model.language.layers[1:]:
            layer.mlp.balance(BALANCE_RATE)
        self.update_average()
        self.step += 1
        self.averages.add("norm", norm.item())
        for name, value in losses.items():
            self.averages.add(f"loss_{name}", value.item())

    def answer_loss(self, batch: Batch, features: torch.Tensor) -> torch.Tensor:
        source, asked = (torch.from_numpy(a).to(self.device) for a in (batch.source, batch.asked))
        answers = torch.from_numpy(batch.answers).to(self.device)
        logits = self.model.logits(features, source, make_layout(batch, self.spec, self.device), asked).float()
        wrong = (logits.argmax(-1) != answers).cpu()
        self.averages.add("tokens_right", float((~wrong).sum()), len(wrong))
        missed = torch.zeros(len(batch.tasks)).index_add_(0, torch.from_numpy(batch.dialogue), wrong.float())
        for task, misses in zip(batch.tasks, missed.tolist()):
            self.averages.add(f"right_{task}", float(misses == 0))
        return F.cross_entropy(logits, answers)

    @torch.no_grad()
    def update_average(self) -> None:
        keep = average_keeps(self.step)
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, default=REPOSITORY / "models/demo", help="folder of tokenizer.json")
    parser.add_argument("--threads", type=int, default=1, help="of the products; a worker makes batches beside them")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    use_bf16(bf16_is_fast(device))
    trainer = Trainer(arguments.folder, device)
    stop: List[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(1))
    log = (arguments.folder / "train.log").open("a", buffering=1)
    log.write(f"{parameter_count(trainer.model) / 1e6:.2f} M parameters on {device}, from step {trainer.step}\n")
    began = saved = logged = time.monotonic()
    for batch in batches_from(trainer.step, str(arguments.tokenizer / "tokenizer.json"), arguments.workers):
        trainer.train_on(batch)
        now = time.monotonic()
        done = bool(stop) or now - began > arguments.minutes * 60
        if trainer.step % LOG_STEPS == 0:
            seconds = (now - logged) / LOG_STEPS
            log.write(f"{time.strftime('%H:%M:%S')} step={trainer.step} seconds={seconds:.3f} {trainer.averages.line()}\n")
            logged = now
        if done or now - saved > CHECKPOINT_SECONDS:
            trainer.save()
            saved = now
        if done:
            return


if __name__ == "__main__":
    main()
