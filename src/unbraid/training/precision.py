"""In which floating-point format to multiply."""

import torch


def is_bf16_fast(device: str) -> bool:
    """Whether bfloat16 is faster than float32 there: on GPUs, and on CPUs with AVX-512 BF16 or AMX."""
    return device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
