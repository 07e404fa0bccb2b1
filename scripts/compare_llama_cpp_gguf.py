#!/usr/bin/env python3
"""Writes a GGUF file with random weights of the shape of deepseek-vl2-tiny's language model, which llama.cpp runs as "deepseek".

Usage: compare_llama_cpp_gguf.py {bf16,q8_0,q4_0} OUT.gguf. Needs the standard library only. Nothing is quantized: the blocks of
q8_0 and q4_0 get random codes and one plausible scale. Rows of the router are independent, so that tokens go to different experts.
"""
import array
import os
import random
import struct
import sys

HIDDEN, LAYERS, HEADS, VOCABULARY = 1280, 12, 10, 129280
DENSE, EXPERTS, CHOSEN, EXPERT, SHARED = 6848, 64, 6, 896, 2
HEAD = HIDDEN // HEADS

# Number of a tensor type in the file, elements of a block, bytes of a block.
TYPES = {"f32": (0, 1, 4), "q4_0": (2, 32, 18), "q8_0": (8, 32, 34), "bf16": (30, 1, 2)}
STRING, ARRAY = 8, 9
ALIGNMENT = 32
POOL_BYTES = 4 << 20
DEVIATION = 0.02


def numbers(rng, count):
    """Normal numbers as 32-bit floats."""
    return array.array("f", (rng.gauss(0, DEVIATION) for _ in range(count)))


def pool(kind, rng):
    """Some megabytes of blocks. Their number is odd, so that rows of a matrix made of them lie elsewhere in it every time."""
    _, _, size = TYPES[kind]
    count = (POOL_BYTES // size) | 1
    if kind == "bf16":
        data = numbers(rng, count).tobytes()
        return b"".join(data[i + 2 : i + 4] for i in range(0, len(data), 4))
    scale = struct.pack("<e", DEVIATION / (73 if kind == "q8_0" else 4.6))  # codes are spread evenly over 8 or 4 bits
    return b"".join(scale + rng.randbytes(size - 2) for _ in range(count))


def tensors(kind):
    """Name, shape (innermost first) and type of every tensor, in the order of the file."""
    yield "token_embd.weight", (HIDDEN, VOCABULARY), kind
    yield "output_norm.weight", (HIDDEN,), "f32"
    yield "output.weight", (HIDDEN, VOCABULARY), kind
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (HIDDEN,), "f32"
        for part in ("q", "k", "v", "output"):
            yield block + f"attn_{part}.weight", (HIDDEN, HIDDEN), kind
        yield block + "ffn_norm.weight", (HIDDEN,), "f32"
        if layer == 0:
            yield block + "ffn_gate.weight", (HIDDEN, DENSE), kind
            yield block + "ffn_up.weight", (HIDDEN, DENSE), kind
            yield block + "ffn_down.weight", (DENSE, HIDDEN), kind
            continue
        yield block + "ffn_gate_inp.weight", (HIDDEN, EXPERTS), "f32"
        for name, width in (("exps", EXPERT), ("shexp", SHARED * EXPERT)):
            experts = (EXPERTS,) if name == "exps" else ()
            yield block + f"ffn_gate_{name}.weight", (HIDDEN, width) + experts, kind
            yield block + f"ffn_up_{name}.weight", (HIDDEN, width) + experts, kind
            yield block + f"ffn_down_{name}.weight", (width, HIDDEN) + experts, kind


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, value):
    """A key and its value with the number of its type."""
    if isinstance(value, bool):
        return text(key) + struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return text(key) + struct.pack("<I", STRING) + text(value)
    if isinstance(value[0], str):
        return text(key) + struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack("<IIQ", ARRAY, 5, len(value)) + array.array("i", value).tobytes()


def vocabulary():
    """As many made-up words as there are tokens, after the 256 characters that stand for bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (256 + i for i in range(256 - len(printable)))
    bytes_as_characters = [chr(byte if byte in printable else next(others)) for byte in range(256)]
    words = [f"\u0120w{i}" for i in range(VOCABULARY - 256 - 2)]
    return bytes_as_characters + words + ["<|begin|>", "<|end|>"]


def metadata():
    normal, control = 1, 3
    yield "general.architecture", "deepseek"
    yield "general.name", "random-deepseek-vl2-tiny"
    yield "general.alignment", ALIGNMENT
    for key, value in (
        ("block_count", LAYERS),
        ("context_length", 4096),
        ("embedding_length", HIDDEN),
        ("feed_forward_length", DENSE),
        ("attention.head_count", HEADS),
        ("attention.head_count_kv", HEADS),
        ("attention.layer_norm_rms_epsilon", 1e-6),
        ("rope.freq_base", 10000.0),
        ("rope.dimension_count", HEAD),
        ("leading_dense_block_count", 1),
        ("vocab_size", VOCABULARY),
        ("expert_count", EXPERTS),
        ("expert_used_count", CHOSEN),
        ("expert_shared_count", SHARED),
        ("expert_feed_forward_length", EXPERT),
        ("expert_weights_scale", 1.0),
    ):
        yield "deepseek." + key, value
    yield "tokenizer.ggml.model", "gpt2"
    yield "tokenizer.ggml.pre", "deepseek-llm"
    yield "tokenizer.ggml.tokens", vocabulary()
    yield "tokenizer.ggml.token_type", [normal] * (VOCABULARY - 2) + [control] * 2
    yield "tokenizer.ggml.merges", ["a b"]
    yield "tokenizer.ggml.bos_token_id", VOCABULARY - 2
    yield "tokenizer.ggml.eos_token_id", VOCABULARY - 1


def padded(size):
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def size_of(shape, kind):
    _, elements, size = TYPES[kind]
    count = 1
    for extent in shape:
        count *= extent
    return count // elements * size


def write_tensor(file, name, shape, kind, source, rng):
    if kind == "f32":
        count = size_of(shape, kind) // 4
        data = array.array("f", [1.0]) * count if name.endswith("norm.weight") else numbers(rng, count)
        file.write(data.tobytes())
    else:
        block = TYPES[kind][2]
        at, left = rng.randrange(len(source) // block) * block, size_of(shape, kind)
        while left > 0:
            part = source[at : at + left]
            file.write(part)
            left -= len(part)
            at = 0
    file.write(b"\0" * (padded(file.tell()) - file.tell()))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("bf16", "q8_0", "q4_0"):
        sys.exit("usage: compare_llama_cpp_gguf.py {bf16,q8_0,q4_0} OUT.gguf")
    kind, target = sys.argv[1:]
    rng = random.Random(7)
    all_tensors = list(tensors(kind))
    entries = [entry(key, value) for key, value in metadata()]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(all_tensors), len(entries)) + b"".join(entries)
    offset = 0
    for name, shape, each in all_tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape) + struct.pack("<IQ", TYPES[each][0], offset)
        offset += padded(size_of(shape, each))
    source = memoryview(pool(kind, rng))
    unfinished = target + ".part"
    with open(unfinished, "wb") as file:
        file.write(head + b"\0" * (padded(len(head)) - len(head)))
        for name, shape, each in all_tensors:
            write_tensor(file, name, shape, each, source, rng)
    os.replace(unfinished, target)


main()
