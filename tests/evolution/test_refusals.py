"""What an endpoint refuses whatever it is asked ends the run, and is asked again at the next start."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.errors import EngineError
from genetic_udfs.store.schema import CANDIDATES, REPLIES
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.durability.small_run import evolve, settings, table
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

MESSAGE = "extra field top_k is not permitted"


def test_a_run_whose_requests_are_all_refused_ends_without_a_generation_and_asks_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    is_mended = False
    broken: set[str] = set()

    def answer(request: Request) -> Answer | str:
        if not is_mended:
            return Answer(status=400, message=MESSAGE)
        if not broken and "Solve the programming problem" in request.prompt:
            broken.add(request.prompt)
        return Answer(status=400, message="odd") if request.prompt in broken else scripted_model.answer(request)

    with ScriptedServer(answer) as server:
        config = settings(
            tmp_path,
            server.url,
            samples_per_generation=42,
            max_rounds=1,
            ledger={"wave_size": 4096},
            engines={"scripted": {"model": "scripted", "url": server.url}},  # whose window holds all of them
        )
        with pytest.raises(EngineError, match=f"refuses every request: HTTP 400: {MESSAGE}") as raised:
            evolve(spark, config)
        assert raised.value.exit_code == 1
        assert server.calls.total() == 42
        store = Store(spark, config.store)
        assert [row["generation"] for row in table(config, "generations")] == [0]
        assert not store.exists(CANDIDATES)
        assert "refuses every request" in table(config, "runs")[0]["outcome"]
        is_mended = True
        refused = server.calls.copy()
        rows = evolve(spark, config)
        assert rows[1]["accepted"] > 0
        assert all(server.calls[prompt] == 2 * times for prompt, times in refused.items())
    replies = store.read(REPLIES).filter("role = 'instructor'").collect()
    assert sum(reply["error"] is None for reply in replies) == 42
    reasons = {row["reason"]: row["detail"] for row in store.read(CANDIDATES).collect()}
    assert reasons["engine_error"] == "HTTP 400: odd"
