"""Products with factors rounded to bf16, everything else in f32: several times as fast where the processor multiplies bf16, and
without the rounding of sums and norms that autocast brings."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor, nn

ROWS = 128

_rounded = False


def use_bf16(enabled: bool) -> None:
    """Of all products from now on."""
    global _rounded
    _rounded = enabled


def in_bf16() -> bool:
    return _rounded


def bf16_is_fast(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    with open("/proc/cpuinfo", encoding="ascii") as cpu:
        return "avx512_bf16" in cpu.read()


def rounded_rows(x: Tensor) -> Tensor:
    """x [M, k] in bf16, its rows filled with zeros to a multiple of ROWS: oneDNN compiles a product for each shape it meets."""
    rows = -(-x.shape[0] // ROWS) * ROWS
    out = x.new_empty((rows, x.shape[1]), dtype=torch.bfloat16)
    out[: x.shape[0]] = x
    out[x.shape[0] :] = 0
    return out


class _RoundedLinear(torch.autograd.Function):
    """x [M, in], weight [out, in] -> [M, out]."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:  # type: ignore[override]
        rounded, weight = rounded_rows(x), weight.bfloat16()
        context.save_for_backward(rounded, weight)
        return (rounded @ weight.t())[: x.shape[0]].float()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tuple[Tensor, Tensor]:  # type: ignore[override]
        rounded, weight = context.saved_tensors
        rounded_gradient = rounded_rows(gradient)
        return (rounded_gradient @ weight)[: gradient.shape[0]].float(), (rounded_gradient.t() @ rounded).float()


class _RoundedMatmul(torch.autograd.Function):
    """Batched: a [..., m, k], b [..., k, n]."""

    @staticmethod
    def forward(context: Any, a: Tensor, b: Tensor) -> Tensor:  # type: ignore[override]
        a, b = a.bfloat16(), b.bfloat16()
        context.save_for_backward(a, b)
        return (a @ b).float()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tuple[Tensor, Tensor]:  # type: ignore[override]
        a, b = context.saved_tensors
        gradient = gradient.bfloat16()
        return (gradient @ b.transpose(-1, -2)).float(), (a.transpose(-1, -2) @ gradient).float()


def linear(x: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    if not _rounded:
        return nn.functional.linear(x, weight, bias)
    out = _RoundedLinear.apply(x.reshape(-1, x.shape[-1]), weight).view(*x.shape[:-1], weight.shape[0])
    return out if bias is None else out + bias


def matmul(a: Tensor, b: Tensor) -> Tensor:
    return _RoundedMatmul.apply(a, b) if _rounded else a @ b


class Linear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)
