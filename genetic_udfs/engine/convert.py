"""Conversion of a Llama model from a GGUF file to a checkpoint that vLLM serves. Run as a process."""

import sys
from pathlib import Path

from genetic_udfs.engine.models import CONVERTED


def convert(source: Path, target: Path) -> None:
    """Write the model and tokenizer in a GGUF file as a checkpoint in bfloat16.

    Args:
        source: The GGUF file of a model of the Llama family.
        target: A folder.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    if not tokenizer.chat_template:
        raise SystemExit(f"{source.name} has no chat template, so it cannot be asked")
    loaded = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    settings = loaded.config.to_dict()
    # The weights are unpacked by now; a checkpoint that still says "gguf" would be refused. The names are
    # paths.
    for key in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        settings.pop(key, None)
    model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(loaded.state_dict())
    model.bfloat16().save_pretrained(target)
    tokenizer.save_pretrained(target)
    weights = target / "model.safetensors"
    weights.chmod(0o644)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
    print(CONVERTED)
