"""A small embedding model, untrained: equal texts are equally embedded, others are not."""

from pathlib import Path


def make_tiny_model(folder: Path, size: int = 16) -> Path:
    """Make the model's files, with vectors of so many numbers."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    characters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{each}" for each in characters)]
    folder.mkdir(exist_ok=True)
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(pieces))
    torch.manual_seed(1)
    sizes = {"hidden_size": size, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=512, **sizes)).save_pretrained(folder)
    BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    return folder
