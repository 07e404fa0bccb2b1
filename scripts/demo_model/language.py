"""The language model: MLA, a dense layer, then layers of routed and shared experts with a sigmoid "noaux_tc" gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from precision import Linear, linear, matmul
from spec import Spec


class RmsNorm(nn.Module):
    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


@dataclass
class Rectangle:
    """Prefixes or dialogues for attention. tokens [B, L]: rows of the flat list, past the end its length; group [B]: the
    prefix of a dialogue, none of prefixes; mask: what is added to scores, [B or 1, 1, L, keys]."""

    tokens: Tensor
    group: Tensor
    mask: Tensor


@dataclass
class Layout:
    """Where the flat tokens stand. parts: prefixes with their dialogues; order [M]: where each token is in the rectangles, laid
    end to end; cos, sin [M, rope / 2]."""

    parts: List[Tuple[Rectangle, List[Rectangle]]]
    order: Tensor
    cos: Tensor
    sin: Tensor


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (2i, 2i + 1) of the last dimension; all first components come first in the result."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class MlaAttention(nn.Module):
    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        heads, nope, rope, value = spec.num_attention_heads, spec.qk_nope_head_dim, spec.qk_rope_head_dim, spec.v_head_dim
        self.q_proj = Linear(spec.hidden_size, heads * (nope + rope), bias=False)
        self.kv_a_proj_with_mqa = Linear(spec.hidden_size, spec.kv_lora_rank + rope, bias=False)
        self.kv_a_layernorm = RmsNorm(spec.kv_lora_rank, 1e-6)
        self.kv_b_proj = Linear(spec.kv_lora_rank, heads * (nope + value), bias=False)
        self.o_proj = Linear(heads * value, spec.hidden_size, bias=False)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        spec = self.spec
        heads, nope, rope = spec.num_attention_heads, spec.qk_nope_head_dim, spec.qk_rope_head_dim
        cos, sin = layout.cos, layout.sin
        q_nope, q_rope = self.q_proj(x).view(-1, heads, nope + rope).split((nope, rope), -1)
        q = torch.cat([q_nope, rotate(q_rope, cos[:, None], sin[:, None])], -1) * (nope + rope) ** -0.5
        latent, key_rope = self.kv_a_proj_with_mqa(x).split((spec.kv_lora_rank, rope), -1)
        key_rope = rotate(key_rope, cos, sin)
        kv = self.kv_b_proj(self.kv_a_layernorm(latent)).view(-1, heads, nope + spec.v_head_dim)
        key_nope, value = kv.split((nope, spec.v_head_dim), -1)
        flat = torch.cat([q, key_nope, key_rope[:, None].expand(-1, heads, rope), value], -1).flatten(1)
        flat = torch.cat([flat, flat.new_zeros(1, flat.shape[1])])
        return self.o_proj(self._attend(flat, layout))

    def _attend(self, flat: Tensor, layout: Layout) -> Tensor:
        """flat [M + 1, heads * (q, k, v)] -> [M, heads * v]."""
        spec = self.spec
        heads, qk = spec.num_attention_heads, spec.qk_nope_head_dim + spec.qk_rope_head_dim
        rectangles = [rectangle for prefix, dialogues in layout.parts for rectangle in (prefix, *dialogues)]
        places = torch.cat([rectangle.tokens.flatten() for rectangle in rectangles])
        laid = iter(flat.index_select(0, places).split([rectangle.tokens.numel() for rectangle in rectangles]))
        outputs = []

        def take(rectangle: Rectangle) -> Tuple[Tensor, ...]:
            part = next(laid).view(*rectangle.tokens.shape, heads, -1).transpose(1, 2)
            return part.split((qk, qk, spec.v_head_dim), -1)

        def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> None:
            probabilities = (matmul(q, k.transpose(-1, -2)) + mask).softmax(-1)
            outputs.append(matmul(probabilities, v).transpose(1, 2).flatten(0, 1).flatten(1))

        for prefix, dialogues in layout.parts:
            prefix_q, prefix_k, prefix_v = take(prefix)
            attend(prefix_q, prefix_k, prefix_v, prefix.mask)
            for dialogue in dialogues:
                q, k, v = take(dialogue)
                k = torch.cat([prefix_k.index_select(0, dialogue.group), k], 2)
                v = torch.cat([prefix_v.index_select(0, dialogue.group), v], 2)
                attend(q, k, v, dialogue.mask)
        return torch.cat(outputs).index_select(0, layout.order)


class GatedMlp(nn.Module):
    def __init__(self, hidden: int, inner: int):
        super().__init__()
        self.gate_proj = Linear(hidden, inner, bias=False)
        self.up_proj = Linear(hidden, inner, bias=False)
        self.down_proj = Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Experts(nn.Module):
    """Routed and shared experts. The gate's correction bias is no weight: it follows the load, see `balance`."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        count, hidden, inner = spec.n_routed_experts, spec.hidden_size, spec.moe_intermediate_size
        self.gate = nn.Linear(hidden, count, bias=False)
        self.register_buffer("e_score_correction_bias", torch.zeros(count))
        self.register_buffer("load", torch.zeros(count), persistent=False)
        self.gate_up = nn.Parameter(torch.randn(count, 2 * inner, hidden) * hidden**-0.5)
        self.down = nn.Parameter(torch.randn(count, hidden, inner) * inner**-0.5)
        self.shared_experts = GatedMlp(hidden, inner * spec.n_shared_experts)

    def route(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """Chosen experts and their weights, both [M, k]."""
        scores = torch.sigmoid(F.linear(x, self.gate.weight))
        chosen = torch.topk(scores.detach() + self.e_score_correction_bias, self.spec.num_experts_per_tok, sorted=False).indices
        weights = scores.gather(1, chosen)
        return chosen, weights / (weights.sum(-1, keepdim=True) + 1e-20) * self.spec.routed_scaling_factor

    def forward(self, x: Tensor) -> Tensor:
        chosen, weights = self.route(x)
        order = torch.argsort(chosen.flatten(), stable=True)
        counts = torch.bincount(chosen.flatten(), minlength=self.spec.n_routed_experts)
        if self.training:
            self.load += counts
        rows = x.index_select(0, torch.div(order, chosen.shape[1], rounding_mode="floor")).split(counts.tolist())
        outputs = []
        for row, gate_up, down in zip(rows, self.gate_up.unbind(), self.down.unbind()):
            gate, up = linear(row, gate_up).chunk(2, -1)
            outputs.append(linear(F.silu(gate) * up, down))
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order), device=order.device)
        routed = torch.cat(outputs).index_select(0, back).view(*chosen.shape, -1)
        return (routed * weights[..., None]).sum(1) + self.shared_experts(x)

    @torch.no_grad()
    def balance(self, rate: float) -> None:
        """Moves the bias of experts that had less than their share of tokens up, and of the others down."""
        if self.load.sum() > 0:
            self.e_score_correction_bias += rate * torch.sign(self.load.mean() - self.load)
            self.load.zero_()


class Layer(nn.Module):
    def __init__(self, spec: Spec, index: int):
        super().__init__()
        self.input_layernorm = RmsNorm(spec.hidden_size, spec.rms_norm_eps)
        self.self_attn = MlaAttention(spec)
        self.post_attention_layernorm = RmsNorm(spec.hidden_size, spec.rms_norm_eps)
        self.mlp = GatedMlp(spec.hidden_size, spec.intermediate_size) if index == 0 else Experts(spec)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), layout)
        return x + self.mlp(self.post_attention_layernorm(x))


class LanguageModel(nn.Module):
    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        self.embed_tokens = nn.Embedding(spec.vocab_size, spec.hidden_size)
        self.layers = nn.ModuleList(Layer(spec, i) for i in range(spec.num_hidden_layers))
        self.norm = RmsNorm(spec.hidden_size, spec.rms_norm_eps)
        self.lm_head = Linear(spec.hidden_size, spec.vocab_size, bias=False)

    def forward(self, x: Tensor, layout: Layout, asked: Tensor) -> Tensor:
        """x [M, H] -> logits of the tokens asked for."""
        for layer in self.layers:
            x = layer(x, layout)
        return self.lm_head(self.norm(x.index_select(0, asked)))
