"""The Muon optimizer: momentum, made orthogonal, as the step of each matrix."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Dict, Iterable, List

import torch
from torch import Tensor

from precision import in_bf16

# Newton-Schulz polynomial that takes singular values from 0..1 to about 1 in five rounds.
A, B, C = 3.4445, -4.7750, 2.0315
ROUNDS = 5


def orthogonal(matrices: Tensor) -> Tensor:
    """[n, rows, columns] with the singular values of each made about 1."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.bfloat16() if in_bf16() else x
    for _ in range(ROUNDS):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return (x.transpose(1, 2) if tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Over matrices and stacks of matrices. Steps are as large as AdamW's with the same rate."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.02):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: Dict[torch.Size, List[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape[-2:]].append(parameter)
            for parameters in by_shape.values():
                self._step_shape(parameters, group)

    def _step_shape(self, parameters: List[Tensor], group: Dict[str, Any]) -> None:
        """Matrices of one shape together, in few large products."""
        shape = parameters[0].shape[-2:]
        directions = []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
            directions.append(parameter.grad.lerp(state["momentum"], group["momentum"]).view(-1, *shape))
        updates = orthogonal(torch.cat(directions)).split([len(direction) for direction in directions])
        for parameter, update in zip(parameters, updates):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update.view_as(parameter), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)
