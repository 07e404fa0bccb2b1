"""Sizes of the demo model, and the configuration files that say them in the hubs' layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict

BOS, EOS, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"
VL_TOKENS = ("<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>", "<|User|>", "<|Assistant|>")


@dataclass(frozen=True)
class Spec:
    """Names as in config.json, but for the layers and heads that tower and language model both have."""

    vocab_size: int = 1536
    hidden_size: int = 256
    num_hidden_layers: int = 5
    num_attention_heads: int = 6
    kv_lora_rank: int = 96
    qk_nope_head_dim: int = 32
    qk_rope_head_dim: int = 16
    v_head_dim: int = 32
    intermediate_size: int = 640
    n_routed_experts: int = 12
    num_experts_per_tok: int = 3
    n_shared_experts: int = 2
    moe_intermediate_size: int = 96
    routed_scaling_factor: float = 2.0
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10000.0
    max_position_embeddings: int = 2048

    image_size: int = 112
    patch_size: int = 14
    vision_width: int = 192
    vision_layers: int = 5
    vision_heads: int = 4
    vision_mlp_ratio: float = 3.0
    downsample_ratio: int = 2

    @property
    def grid(self) -> int:
        return self.image_size // self.patch_size

    @property
    def tile_tokens(self) -> int:
        """Tokens along a side of a tile."""
        return self.grid // self.downsample_ratio

    @property
    def image_tokens(self) -> int:
        """Tokens of a picture: its global view, a separator, and one tile; a newline after each row."""
        return 2 * self.tile_tokens * (self.tile_tokens + 1) + 1


def config_json(spec: Spec) -> Dict[str, Any]:
    return {
        "candidate_resolutions": [[spec.image_size, spec.image_size]],
        "global_view_pos": "head",
        "language_config": {
            "architectures": ["DeepseekV2ForCausalLM"],
            "bos_token_id": 0,
            "eos_token_id": 1,
            "first_k_dense_replace": 1,
            "hidden_size": spec.hidden_size,
            "intermediate_size": spec.intermediate_size,
            "kv_lora_rank": spec.kv_lora_rank,
            "lm_head": False,
            "max_position_embeddings": spec.max_position_embeddings,
            "model_type": "deepseek_v2",
            "moe_intermediate_size": spec.moe_intermediate_size,
            "n_group": 1,
            "n_routed_experts": spec.n_routed_experts,
            "n_shared_experts": spec.n_shared_experts,
            "norm_topk_prob": True,
            "num_attention_heads": spec.num_attention_heads,
            "num_experts_per_tok": spec.num_experts_per_tok,
            "num_hidden_layers": spec.num_hidden_layers,
            "num_key_value_heads": spec.num_attention_heads,
            "q_lora_rank": None,
            "qk_nope_head_dim": spec.qk_nope_head_dim,
            "qk_rope_head_dim": spec.qk_rope_head_dim,
            "rm_head": False,
            "routed_scaling_factor": spec.routed_scaling_factor,
            "scoring_func": "sigmoid",
            "topk_group": 1,
            "topk_method": "noaux_tc",
            "torch_dtype": "bfloat16",
            "v_head_dim": spec.v_head_dim,
            "vocab_size": spec.vocab_size,
        },
        "model_type": "deepseek_vl_v2",
        "projector_config": {"input_dim": spec.vision_width, "model_type": "mlp_projector", "n_embed": spec.hidden_size},
        "tile_tag": "2D",
        "torch_dtype": "bfloat16",
        "transformers_version": "4.38.2",
        "vision_config": {
            "heads": spec.vision_heads,
            "image_size": spec.image_size,
            "layers": spec.vision_layers,
            "mlp_ratio": spec.vision_mlp_ratio,
            "model_name": "siglip_so400m_patch14_384",
            "model_type": "vision",
            "patch_size": spec.patch_size,
            "width": spec.vision_width,
        },
    }


def processor_config_json(spec: Spec) -> Dict[str, Any]:
    return {
        "add_special_token": False,
        "candidate_resolutions": [[spec.image_size, spec.image_size]],
        "downsample_ratio": spec.downsample_ratio,
        "ignore_id": -100,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "image_token": "<image>",
        "mask_prompt": False,
        "normalize": True,
        "pad_token": PAD,
        "patch_size": spec.patch_size,
        "processor_class": "DeepseekVLV2Processor",
        "sft_format": "deepseek",
    }
