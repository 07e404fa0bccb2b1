"""A small byte-level BPE tokenizer of the DeepSeek-V3 style: learns its merges, encodes, and writes tokenizer.json.

The pre-tokenizer is exact for the texts that the generator makes (ASCII, Chinese, Chinese punctuation).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence, Tuple

from spec import BOS, EOS, PAD, VL_TOKENS

PRE_TOKENIZER_PATTERNS = (
    "\\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
)

STAGES = (
    re.compile(r"\d{1,3}"),
    re.compile(r"[一-龥぀-ゟ゠-ヿ]+"),
    re.compile(r"[!-/:-@\[-`{-~][A-Za-z]+|[^\S\r\n]?[^\W\d_]+| ?(?:[^\w\s]|_)+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"),
)
SPECIAL = re.compile("(" + "|".join(re.escape(token) for token in (BOS, EOS, PAD) + VL_TOKENS) + ")")
HAN = STAGES[1]

# A piece that may be printed text: kept as single characters, so that reading is spelling.
PRINTED = re.compile(r"[^A-Za-z]?[A-Z]+$|.*\d")


def byte_alphabet() -> List[str]:
    """GPT-2's printable character for each byte."""
    printable = set(range(33, 127)) | set(range(161, 173)) | set(range(174, 256))
    spare = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


ALPHABET = byte_alphabet()


def split_pieces(text: str) -> List[str]:
    pieces = [text]
    for stage in STAGES:
        parts: List[str] = []
        for piece in pieces:
            last = 0
            for match in stage.finditer(piece):
                if match.start() > last:
                    parts.append(piece[last : match.start()])
                parts.append(match.group())
                last = match.end()
            if last < len(piece):
                parts.append(piece[last:])
        pieces = parts
    return pieces


def to_symbols(piece: str) -> Tuple[str, ...]:
    return tuple(ALPHABET[byte] for byte in piece.encode())


def segment(run: str, words: Sequence[str]) -> List[str]:
    """Cuts a run of Chinese characters into words, longest first, else characters."""
    parts = []
    while run:
        word = next((word for word in words if run.startswith(word)), run[0])
        parts.append(word)
        run = run[len(word) :]
    return parts


def learn_merges(texts: Iterable[str], chinese_words: Sequence[str], count: int) -> List[Tuple[str, str]]:
    """The most frequent pairs of the texts' pieces, none across Chinese words, none of printed text."""
    words = sorted(set(chinese_words), key=len, reverse=True)
    pieces: Counter[str] = Counter()
    for text in texts:
        for part in SPECIAL.split(text):
            if SPECIAL.fullmatch(part):
                continue
            for piece in split_pieces(part):
                if HAN.fullmatch(piece):
                    pieces.update(segment(piece, words))
                elif not PRINTED.match(piece):
                    pieces[piece] += 1
    symbols = {piece: list(to_symbols(piece)) for piece in pieces}
    merges: List[Tuple[str, str]] = []
    while len(merges) < count:
        pairs: Counter[Tuple[str, str]] = Counter()
        for piece, parts in symbols.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += pieces[piece]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for parts in symbols.values():
            merge_pair(parts, best)
    return merges


def merge_pair(parts: List[str], pair: Tuple[str, str]) -> None:
    i = 0
    while i + 1 < len(parts):
        if parts[i] == pair[0] and parts[i + 1] == pair[1]:
            parts[i : i + 2] = [pair[0] + pair[1]]
        i += 1


class Tokenizer:
    """Ids: bos, eos, pad, the 256 bytes, merges, the tokens of DeepSeek-VL2."""

    def __init__(self, merges: Sequence[Tuple[str, str]]):
        self.merges = [tuple(merge) for merge in merges]
        tokens = [BOS, EOS, PAD, *sorted(ALPHABET), *(a + b for a, b in self.merges)]
        self.vocab = {token: i for i, token in enumerate(tokens)}
        if len(self.vocab) != len(tokens):
            raise ValueError("two merges make the same token")
        self.special = {BOS: 0, EOS: 1, PAD: 2, **{token: len(tokens) + i for i, token in enumerate(VL_TOKENS)}}
        self.size = len(tokens) + len(VL_TOKENS)
        self._ranks = {merge: rank for rank, merge in enumerate(self.merges)}
        self._cache: Dict[str, List[int]] = {}
        self._bytes = {symbol: byte for byte, symbol in enumerate(ALPHABET)}
        self._by_id = {i: token for token, i in {**self.vocab, **self.special}.items()}

    def encode(self, text: str) -> List[int]:
        ids: List[int] = []
        for part in SPECIAL.split(text):
            if part in self.special:
                ids.append(self.special[part])
            elif part:
                for piece in split_pieces(part):
                    ids.extend(self._encode_piece(piece))
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        data = b""
        for i in ids:
            token = self._by_id.get(i, "")
            data += token.encode() if token in self.special else bytes(self._bytes[symbol] for symbol in token)
        return data.decode(errors="replace")

    def _encode_piece(self, piece: str) -> List[int]:
        known = self._cache.get(piece)
        if known is None:
            parts = list(to_symbols(piece))
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self._ranks.get(pair, len(self._ranks)))
                if best not in self._ranks:
                    break
                merge_pair(parts, best)
            known = [self.vocab[part] for part in parts]
            if len(self._cache) < 100_000:
                self._cache[piece] = known
        return known

    def to_json(self) -> Dict[str, Any]:
        def added(token: str) -> Dict[str, Any]:
            flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
            return {"id": self.special[token], "content": token, **flags, "special": True}

        splits = [
            {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
            for regex in PRE_TOKENIZER_PATTERNS
        ]
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [added(token) for token in self.special],
            "normalizer": {"type": "Sequence", "normalizers": []},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, byte_level]},
            "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "vocab": self.vocab,
                "merges": [f"{a} {b}" for a, b in self.merges],
            },
        }

    @staticmethod
    def load(path: Path) -> "Tokenizer":
        model = json.loads(path.read_text())["model"]
        return Tokenizer([tuple(merge.split(" ")) for merge in model["merges"]])  # type: ignore[misc]
