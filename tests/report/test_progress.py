"""What is said of a stage while it runs and when it is done."""

from genetic_udfs.engine.progress import StageProgress
from genetic_udfs.report.progress import View


def test_a_stage_under_way_shows_done_of_total_rates_and_time_left() -> None:
    view = View("coder", 40, 10.0, StageProgress(rows=10, completion_tokens=900))
    assert view.facts() == ["10/40", "1.0 rows/s", "90 tokens/s", "ETA 30 s"]


def test_a_stage_that_waits_says_for_what() -> None:
    view = View("coder", 40, 10.0, StageProgress(notes=("engine 'x': starting, 9 s",)))
    assert view.facts() == ["0/40", "engine 'x': starting, 9 s"]


def test_a_stage_that_is_done_says_what_it_took() -> None:
    done = View("coder", 40, 125.0, StageProgress(rows=40, completion_tokens=2500))
    assert done.ending() == "coder: 40 replies in 2 min 05 s (0.3 rows/s, 20 tokens/s)"
    assert View("coder", 0, 1.0, StageProgress()).ending() == "coder: nothing to ask"
    assert View("deciding", None, 3725.0, StageProgress()).ending() == "deciding: 1 h 02 min"


def test_counts_that_arrive_twice_never_exceed_the_total() -> None:
    assert View("coder", 4, 1.0, StageProgress(rows=5)).facts()[0] == "4/4"
