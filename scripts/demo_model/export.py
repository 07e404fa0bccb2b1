"""Writes a training checkpoint's averaged weights in the hubs' layout.

usage: export.py CHECKPOINT FOLDER [--dtype bfloat16|float32] [--raw]

FOLDER must hold the tokenizer and configuration files (prepare_tokenizer.py makes them); model.safetensors joins them.
"""

from __future__ import annotations

import argparse
import json
import re
import struct
from pathlib import Path
from typing import Dict

import torch
from torch import Tensor

from spec import Spec

ALIGNMENT = 64
DTYPES = {torch.bfloat16: "BF16", torch.float32: "F32"}


def checkpoint_tensors(state: Dict[str, Tensor], dtype: torch.dtype) -> Dict[str, Tensor]:
    """The tensors of DeepSeek-VL2's checkpoints: one matrix per expert, no patch heads."""
    inner = Spec().moe_intermediate_size
    tensors: Dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith("patch_heads."):
            continue
        if name.startswith("language.") and not name.startswith("language.lm_head"):
            name = "language.model." + name[len("language.") :]
        if name.endswith("e_score_correction_bias"):
            tensors[name.replace("e_score_correction_bias", "gate.e_score_correction_bias")] = value.float()
        elif name.endswith((".mlp.gate_up", ".mlp.down")):
            prefix = re.sub(r"\.(gate_up|down)$", ".experts.", name)
            for i, expert in enumerate(value):
                if name.endswith(".down"):
                    tensors[f"{prefix}{i}.down_proj.weight"] = expert.to(dtype)
                else:
                    tensors[f"{prefix}{i}.gate_proj.weight"] = expert[:inner].to(dtype)
                    tensors[f"{prefix}{i}.up_proj.weight"] = expert[inner:].to(dtype)
        else:
            tensors[name] = value.to(dtype)
    return dict(sorted(tensors.items()))


def to_bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous()
    return (flat.view(torch.int16) if flat.dtype == torch.bfloat16 else flat).numpy().tobytes()


def write_safetensors(path: Path, tensors: Dict[str, Tensor]) -> None:
    header: Dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            out.write(to_bytes(tensor))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--raw", action="store_true", help="the weights of the last step, not their average")
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, map_location="cpu")
    tensors = checkpoint_tensors(state["model" if arguments.raw else "average"], getattr(torch, arguments.dtype))
    path = arguments.folder / "model.safetensors"
    write_safetensors(path, tensors)
    print(f"step {state['step']}: {len(tensors)} tensors, {path.stat().st_size / 1e6:.1f} MB in {path}")


if __name__ == "__main__":
    main()
