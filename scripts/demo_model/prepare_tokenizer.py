"""Makes tokenizer.json and its companions. usage: prepare_tokenizer.py FOLDER"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from curriculum import sample_texts
from lexicon import COLOURS, SHAPES
from spec import BOS, EOS, PAD, Spec, config_json, processor_config_json
from tokenizer import Tokenizer, learn_merges

CHINESE_WORDS = [word.zh for word in (*SHAPES.values(), *COLOURS.values())] + (
    "图片 图形 图中 这张 文字 文字是 什么 多少 几个 哪里 左边 右边 上面 下面 最左边 最右边 最上面 最下面 最大 最小 形状 颜色 "
    "描述 比较 不同 区别 一样 相同 哪张 第一 第二 第三 更多 最多 所有 没有 是的 不是 定位 找到 框出 在哪里 这是 一个 你好 你是 谁 "
    "我是 一个很小的 演示模型 我会 彩色 数数 还会 读短的 我不知道 请问 请发 还没有 谢谢 再见 不客气 看到 里有 写了 读出 它 的 有 个 和 在"
).split()


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    spec = Spec()
    fixed = 3 + 256 + 8
    merges = learn_merges(sample_texts(1, 1200), CHINESE_WORDS, spec.vocab_size - fixed)
    tokenizer = Tokenizer(merges)
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    special = {"additional_special_tokens": [{"content": t, **flags} for t in ("<|User|>", "<|Assistant|>")]}
    special.update({f"{name}_token": {"content": t, **flags} for name, t in (("bos", BOS), ("eos", EOS), ("pad", PAD))})
    config = {
        "add_bos_token": False,
        "add_eos_token": False,
        "added_tokens_decoder": {str(i): {"content": t, **flags, "special": True} for t, i in tokenizer.special.items()},
        "additional_special_tokens": ["<|User|>", "<|Assistant|>"],
        "bos_token": BOS,
        "clean_up_tokenization_spaces": False,
        "eos_token": EOS,
        "legacy": True,
        "model_max_length": spec.max_position_embeddings,
        "pad_token": PAD,
        "processor_class": "DeepseekVLV2Processor",
        "tokenizer_class": "LlamaTokenizerFast",
        "unk_token": None,
        "use_default_system_prompt": False,
    }
    files = {
        "tokenizer.json": tokenizer.to_json(),
        "tokenizer_config.json": config,
        "special_tokens_map.json": special,
        "config.json": config_json(spec),
        "processor_config.json": processor_config_json(spec),
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    print(f"{tokenizer.size} tokens, of a vocabulary of {spec.vocab_size}")


if __name__ == "__main__":
    main()
