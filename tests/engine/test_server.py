from genetic_udfs.engine.server import meaningful_lines

TRACEBACK = [f'(Worker pid=7) ERROR 11-22 21:17:55 [executor.py:1063]   File "f{n}.py", line {n}' for n in range(12)]
AFTERMATH = [f'(APIServer pid=3) ERROR 11-22 21:17:55 [async_llm.py:906]   File "g{n}.py", line {n}' for n in range(60)]


def test_the_root_cause_is_kept_when_a_long_traceback_follows() -> None:
    log = [
        "(APIServer pid=3) INFO 11-22 21:16:49 [api_utils.py:286] non-default args",
        "(APIServer pid=3) WARNING 11-22 21:16:49 [system.py:2] This can cause errors like `OSError: [Errno 24]`",
        "(Worker pid=7) ERROR 11-22 21:17:55 [executor.py:1063] Traceback (most recent call last):",
        *TRACEBACK,
        "(Worker pid=7) ERROR 11-22 21:17:55 [executor.py:1063] torch.OutOfMemoryError: CUDA out of memory.",
        *AFTERMATH,
        "(APIServer pid=3) ERROR 11-22 21:17:55 [async_llm.py:906] EngineDeadError: See stack trace (above).",
    ]
    lines = meaningful_lines("\n".join(log)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[13] == "torch.OutOfMemoryError: CUDA out of memory."
    assert lines[14] == "    ..."
    assert lines[-1] == "EngineDeadError: See stack trace (above)."
    assert len(lines) <= 31


def test_a_short_log_is_kept_whole_but_for_what_is_no_error() -> None:
    log = (
        "INFO:     Started server process\n"
        "Loading safetensors checkpoint shards:  50% Completed\n"
        "usage: api_server.py [-h]\n"
        "api_server.py: error: unrecognized arguments: --nonsense\n"
    )
    assert meaningful_lines(log).splitlines() == [
        "usage: api_server.py [-h]",
        "api_server.py: error: unrecognized arguments: --nonsense",
    ]


def test_an_empty_log_has_no_lines() -> None:
    assert meaningful_lines("") == ""
