"""What decides on a vector: the model, and who runs it."""

from pathlib import Path

from genetic_udfs.config import EMBEDDING_MODEL, EmbeddingModel, Engine
from genetic_udfs.embedding.vectors import identity_of

KEY = "dedup.semantic.model"


def identity(**engine: object) -> str:
    made = Engine.model_validate({"model": EMBEDDING_MODEL, "task": "embed", **engine})
    return identity_of(EmbeddingModel("engine:vectors", KEY, made))


def test_an_engine_makes_other_vectors_than_a_worker_and_by_another_length_or_pooler_others_again() -> None:
    assert identity_of(EmbeddingModel(EMBEDDING_MODEL, KEY)) == EMBEDDING_MODEL
    found = [
        EMBEDDING_MODEL,
        identity(),
        identity(max_model_len=128),
        identity(args={"pooler-config": '{"pooling_type": "MEAN"}'}),
    ]
    assert len(set(found)) == len(found)
    assert identity(max_num_seqs=7, args={"gpu-memory-utilization": 0.5}) == identity()


def test_a_folder_is_known_by_what_it_holds_and_not_by_where_it_lies(tmp_path: Path) -> None:
    def identity_of_folder(name: str, weights: bytes) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
        return identity_of(EmbeddingModel(str(tmp_path / name), KEY))

    first = identity_of_folder("one", b"weights")
    assert identity_of_folder("moved", b"weights") == first != identity_of_folder("trained", b"heavier")
