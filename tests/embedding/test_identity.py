"""What decides on a vector: the model, and who runs it."""

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
