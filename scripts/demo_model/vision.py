"""Tower and projector as DeepSeek-VL2 has them, and the heads that teach them what is where (training only)."""

from __future__ import annotations

from typing import Dict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from batches import KINDS
from lexicon import CHARACTERS, COLOUR_NAMES
from precision import Linear, linear, matmul
from spec import Spec

NORM_EPS = 1e-6


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(width, 3 * width)
        self.proj = Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        tiles, patches, width = x.shape
        q, k, v = self.qkv(x).view(tiles, patches, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = matmul(q * (width // self.heads) ** -0.5, k.transpose(-1, -2))
        return self.proj(matmul(scores.softmax(-1), v).transpose(1, 2).reshape(tiles, patches, width))


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = Linear(width, hidden)
        self.fc2 = Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, spec: Spec):
        super().__init__()
        width = spec.vision_width
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attn = Attention(width, spec.vision_heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = Mlp(width, int(width * spec.vision_mlp_ratio))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """The convolution of stride patch_size as a product; the weight keeps the convolution's shape."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        self.proj = nn.Conv2d(3, spec.vision_width, spec.patch_size, spec.patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        grid, patch = self.spec.grid, self.spec.patch_size
        side = grid * patch
        cut = pixels[:, :, :side, :side].reshape(-1, 3, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5)
        return linear(cut.reshape(-1, grid * grid, 3 * patch * patch), self.proj.weight.flatten(1), self.proj.bias)


class Vision(nn.Module):
    """pixels [T, 3, S, S], -1 to 1 -> [T, N, W]."""

    def __init__(self, spec: Spec):
        super().__init__()
        self.patch_embed = PatchEmbed(spec)
        self.pos_embed = nn.Parameter(torch.randn(1, spec.grid**2, spec.vision_width) * 0.02)
        self.blocks = nn.ModuleList(Block(spec) for _ in range(spec.vision_layers))
        self.norm = nn.LayerNorm(spec.vision_width, eps=NORM_EPS)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Projector(nn.Module):
    """[T, N, W] -> [T, N / r², H]; folds r x r patches, channels outermost."""

    def __init__(self, spec: Spec):
        super().__init__()
        if spec.grid % spec.downsample_ratio:
            raise ValueError(f"{spec.grid} patches a side are no multiple of {spec.downsample_ratio}")
        self.spec = spec
        folded = spec.vision_width * spec.downsample_ratio**2
        self.layers = nn.Sequential(Linear(folded, spec.hidden_size), nn.GELU(), Linear(spec.hidden_size, spec.hidden_size))

    def forward(self, features: Tensor) -> Tensor:
        side, r, width = self.spec.tile_tokens, self.spec.downsample_ratio, self.spec.vision_width
        blocks = features.view(-1, side, r, side, r, width).permute(0, 1, 3, 5, 2, 4)
        return self.layers(blocks.reshape(-1, side * side, width * r * r))


class PatchHeads(nn.Module):
    """Reads off a token what is at each of its patches."""

    sizes = {
        "cover": len(KINDS) + 1,
        "colour": len(COLOUR_NAMES) + 1,
        "box": 4,
        "centre": len(KINDS) + 1,
        "chars": 2 * (len(CHARACTERS) + 1),
    }

    def __init__(self, spec: Spec):
        super().__init__()
        self.spec = spec
        self.norm = nn.LayerNorm(spec.hidden_size)
        self.out = Linear(spec.hidden_size, spec.downsample_ratio**2 * sum(self.sizes.values()))

    def forward(self, tokens: Tensor) -> Dict[str, Tensor]:
        """[T, t², H] -> per name [T, N, size], patches row by row."""
        side, r = self.spec.tile_tokens, self.spec.downsample_ratio
        out = self.out(self.norm(tokens)).view(-1, side, side, r, r, sum(self.sizes.values())).transpose(2, 3)
        out = out.reshape(-1, side * side * r * r, sum(self.sizes.values()))
        return dict(zip(self.sizes, out.split(list(self.sizes.values()), -1)))


def patch_losses(heads: Dict[str, Tensor], targets: Dict[str, Tensor]) -> Dict[str, Tensor]:
    covered = targets["cover"] > 0
    chars = heads["chars"].reshape(-1, len(CHARACTERS) + 1)
    char_targets = targets["chars"].reshape(-1)
    centre_weight = torch.ones(len(KINDS) + 1, device=chars.device)
    centre_weight[1:] = 3.0
    char_weight = torch.ones(len(CHARACTERS) + 1, device=chars.device)
    char_weight[1:] = 6.0
    losses = {
        "cover": F.cross_entropy(heads["cover"].flatten(0, 1), targets["cover"].flatten()),
        "centre": F.cross_entropy(heads["centre"].flatten(0, 1), targets["centre"].flatten(), centre_weight),
        "chars": F.cross_entropy(chars, char_targets, char_weight),
        "colour": F.cross_entropy(heads["colour"][covered], targets["colour"][covered]),
        "box": F.smooth_l1_loss(heads["box"][covered], targets["box"][covered], beta=0.02),
    }
    return losses


PATCH_LOSS_WEIGHTS = {"cover": 1.0, "centre": 1.0, "chars": 1.0, "colour": 0.5, "box": 4.0}
