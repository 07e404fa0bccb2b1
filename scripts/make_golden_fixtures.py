#!/usr/bin/env python3
"""Cuts a golden set down to what the repository keeps under tests/golden.

Usage: make_golden_fixtures.py SET OUT

The result has the layout of SET, so `spyhop verify --golden OUT` runs it. Left out: photographs, the checkpoints' files
(they are copied by hand, once), tables of vocabularies that are not in the set, values recorded in bf16. Every case keeps
its conversation, ids, answer and the best logits of every step; the cases of RICH also keep a sample of what lies between.
Integers are stored in 16 bits and floats as they are; nothing is computed anew.
"""
import json
import math
import pathlib
import shutil
import struct
import sys

PHOTO = "photo_"
LEFT_OUT_TABLES = ("tokenizer_full_",)
LEFT_OUT_KEYS = {"sft_format", "checks", "tensors", "variant_prefix", "last_argmax", "min_greedy_margin", "min_router_margin"}
KEPT_ENTRY_KEYS = ("name", "json", "tensors", "n_tokens")
RICH = {"text_only", "img_square_small", "img_tall", "two_turns_two_images"}
WITH_LOGITS = RICH | {"text_zh"}
KEPT_LOGITS = 4  # of the best logits of every step
SAMPLED_POSITIONS = 3  # of the residual stream, per rich case
SAMPLED_TILES = 1  # of the tower and the projector, per rich case
SAMPLED_ROWS = 4  # of each sampled tile
MAX_ROUTED_POSITIONS = 500  # a rich case with more positions keeps no expert choices

SIZES = {"F32": 4, "I32": 4, "I16": 2, "U8": 1}
CODES = {"F32": "f", "I32": "i", "I16": "h", "U8": "B"}


class Tensor:
    def __init__(self, dtype, shape, values):
        self.dtype, self.shape, self.values = dtype, list(shape), list(values)
        assert len(self.values) == math.prod(self.shape), (self.shape, len(self.values))

    def take(self, dim, indices):
        """The slices `indices` along `dim`."""
        outer, size, inner = math.prod(self.shape[:dim]), self.shape[dim], math.prod(self.shape[dim + 1:])
        values = []
        for o in range(outer):
            for i in indices:
                begin = (o * size + i) * inner
                values += self.values[begin:begin + inner]
        return Tensor(self.dtype, self.shape[:dim] + [len(indices)] + self.shape[dim + 1:], values)

    def narrow(self):
        """The same integers in 16 bits."""
        return Tensor("I16", self.shape, self.values) if self.dtype == "I32" else self


def read_safetensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin:8 + length + end]
        count = len(raw) // SIZES[entry["dtype"]]
        tensors[name] = Tensor(entry["dtype"], entry["shape"], struct.unpack(f"<{count}{CODES[entry['dtype']]}", raw))
    return tensors


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name in sorted(tensors, key=lambda name: (-SIZES[tensors[name].dtype], name)):
        tensor = tensors[name]
        raw = struct.pack(f"<{len(tensor.values)}{CODES[tensor.dtype]}", *tensor.values)
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def spread(size, count):
    """At most `count` indices below `size`, from the first to the last."""
    if size <= count:
        return list(range(size))
    return sorted({round(i * (size - 1) / (count - 1)) for i in range(count)}) if count > 1 else [0]


def sample_positions(kept, source):
    rows = spread(source["pos_sub"].shape[0], SAMPLED_POSITIONS)
    kept["pos_sub"] = source["pos_sub"].take(0, rows)
    kept["inputs_embeds_sub"] = source["inputs_embeds_sub"].take(0, rows)
    kept["layers_sub"] = source["layers_sub"].take(1, rows)
    if "topk_idx" in source and source["topk_idx"].shape[1] <= MAX_ROUTED_POSITIONS:
        kept["topk_idx"] = source["topk_idx"]
        kept["topk_weight_sub"] = source["topk_weight_sub"].take(1, rows)


def sample_tiles(case, kept, source):
    """Keeps some tiles and, by widening the strides, some rows of them."""
    if "tile_sub" not in source:
        return
    tiles = spread(source["tile_sub"].shape[0], SAMPLED_TILES)
    kept["tile_sub"] = source["tile_sub"].take(0, tiles)
    for names, key in ((("patch_embed_sub", "vision_out_sub"), "vision_patch_stride"),
                       (("projector_out_sub",), "projector_token_stride")):
        every = math.ceil(source[names[0]].shape[1] / SAMPLED_ROWS)
        case[key] *= every
        for name in names:
            kept[name] = source[name].take(0, tiles).take(1, range(0, source[name].shape[1], every))


def reduce_case(case, source):
    """The tensors to keep; changes `case` where a stride does."""
    kept = {"input_ids": source["input_ids"]}
    if any(PHOTO in image for message in case["conversation"] for image in message.get("images", [])):
        return {name: tensor.narrow() for name, tensor in kept.items()}
    for name in ("greedy_top8_ids", "greedy_top8_logits"):
        kept[name] = source[name].take(1, range(KEPT_LOGITS))
    if case["name"] in WITH_LOGITS:
        kept["logits_last"] = source["logits_last"]
    if case["name"] in RICH:
        sample_positions(kept, source)
        sample_tiles(case, kept, source)
        if source["argmax"].shape[0] <= MAX_ROUTED_POSITIONS:
            kept.update({name: source[name] for name in ("argmax", "argmax_margin", "images_seq_mask")})
    return {name: tensor.narrow() for name, tensor in kept.items()}


def write_compact(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def reduce_json(case):
    """The fields to keep: not those for display, nor texts that only repeat the answer."""
    kept = {key: value for key, value in case.items() if key not in LEFT_OUT_KEYS}
    if case["eos_index"] is None:
        kept = {key: value for key, value in kept.items() if not key.startswith("text_until_eos")}
    for image in kept.get("image_info", []):
        for canvas in (image["global"], image["local"]):
            canvas.pop("png", None)
    return kept


def copy_table(source, out):
    """Without the rows that are about photographs."""
    if source.suffix != ".json":
        shutil.copyfile(source, out)
        return
    table = json.loads(source.read_text(encoding="utf-8"))
    if isinstance(table, list):
        table = [row for row in table if PHOTO not in row.get("image", "")]
    write_compact(out, table)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))

    for family in manifest["families"].values():
        for entry in family["cases"]:
            case = json.loads((source / entry["json"]).read_text(encoding="utf-8"))
            tensors = reduce_case(case, read_safetensors(source / entry["tensors"]))
            write_compact(out / entry["json"], reduce_json(case))
            write_safetensors(out / entry["tensors"], tensors)
        family["cases"] = [{key: entry[key] for key in KEPT_ENTRY_KEYS} for entry in family["cases"]]

    manifest["images"] = {name: entry for name, entry in manifest["images"].items() if not name.startswith(PHOTO)}
    manifest["tables"] = [name for name in manifest["tables"] if not name.startswith(LEFT_OUT_TABLES)]
    (out / "images").mkdir(parents=True, exist_ok=True)
    for name in manifest["images"]:
        shutil.copyfile(source / "images" / name, out / "images" / name)
    for name in manifest["tables"]:
        copy_table(source / "tables" / name, out / "tables" / name)
    write_compact(out / "manifest.json", manifest)
    print(sum(path.stat().st_size for path in out.rglob("*") if path.is_file()), "bytes in", out)


if __name__ == "__main__":
    main()
