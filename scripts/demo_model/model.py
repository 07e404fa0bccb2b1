"""The whole demo model, from a batch's arrays to losses."""

from __future__ import annotations

import math
from typing import Dict, List, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from batches import Batch, Part
from language import LanguageModel, Layout, Rectangle
from spec import Spec
from vision import PatchHeads, Projector, Vision

MASKED = -1e4


class DemoModel(nn.Module):
    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        self.vision = Vision(spec)
        self.projector = Projector(spec)
        self.image_newline = nn.Parameter(torch.randn(spec.hidden_size) * 0.1)
        self.view_seperator = nn.Parameter(torch.randn(spec.hidden_size) * 0.1)
        self.language = LanguageModel(spec)
        self.patch_heads = PatchHeads(spec)
        self.apply(initialise)
        for layer in self.language.layers:
            nn.init.normal_(layer.self_attn.o_proj.weight, std=0.02)

    def features(self, tiles: Tensor) -> Tensor:
        """u8 [T, S, S, 3] -> [T, t², H]."""
        pixels = (tiles.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
        return self.projector(self.vision(pixels))

    def logits(self, features: Tensor, source: Tensor, layout: Layout, asked: Tensor) -> Tensor:
        rows = [self.language.embed_tokens.weight, features.flatten(0, 1), self.image_newline[None], self.view_seperator[None]]
        table = torch.cat(rows)
        return self.language(F.embedding(source, table), layout, asked)


def initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5)


def make_layout(batch: Batch, spec: Spec, device: torch.device) -> Layout:
    rope = spec.qk_rope_head_dim
    inverse = spec.rope_theta ** (-torch.arange(0, rope, 2, dtype=torch.float32) / rope)
    angles = torch.from_numpy(batch.position).float()[:, None] * inverse
    parts: List[Tuple[Rectangle, List[Rectangle]]] = []
    places: List[np.ndarray] = []
    for part in batch.parts:
        parts.append(part_rectangles(part, device))
        places += [part.prefix.flatten()] + [bucket.tokens.flatten() for bucket in part.buckets]
    order = np.zeros(batch.num_tokens + 1, np.int64)
    laid = np.concatenate(places) if places else np.zeros(0, np.int64)
    order[laid] = np.arange(len(laid))
    return Layout(parts, torch.from_numpy(order[:-1]).to(device), angles.cos().to(device), angles.sin().to(device))


def part_rectangles(part: Part, device: torch.device) -> Tuple[Rectangle, List[Rectangle]]:
    def causal(length: int) -> Tensor:
        return torch.full((length, length), MASKED).triu(1)

    size = part.prefix.shape[1]
    nothing = torch.zeros(0, dtype=torch.int64)
    prefix = Rectangle(torch.from_numpy(part.prefix).to(device), nothing, causal(size)[None, None].to(device))
    hidden = torch.from_numpy(np.where(np.arange(size)[None] < part.length[:, None], 0.0, MASKED).astype(np.float32))
    dialogues = []
    for bucket in part.buckets:
        count, length = bucket.tokens.shape
        before = hidden[torch.from_numpy(bucket.group)][:, None, None].expand(count, 1, length, size)
        mask = torch.cat([before, causal(length)[None, None].expand(count, 1, length, length)], -1)
        dialogues.append(
            Rectangle(torch.from_numpy(bucket.tokens).to(device), torch.from_numpy(bucket.group).to(device), mask.to(device))
        )
    return prefix, dialogues


def patch_targets_of(batch: Batch, device: torch.device) -> Dict[str, Tensor]:
    return {name: torch.from_numpy(value).to(device) for name, value in vars(batch.patches).items()}


def parameter_count(model: DemoModel) -> int:
    """Of what is exported."""
    dropped = sum(p.numel() for p in model.patch_heads.parameters())
    return sum(p.numel() for p in model.parameters()) - dropped


def warm_up(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / steps)


def decay(step: int, half_life: float) -> float:
    """Falls with the square root of time once `half_life` steps are done."""
    return 1.0 / math.sqrt(1.0 + step / half_life)
