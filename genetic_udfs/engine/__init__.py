"""Engines: the UDF that asks a language model, and the processes that keep vLLM servers alive.

A stage calls `stage.with_answers` with a `chat_completion.Sampling`, an SQL function `udf.ask`; the driver also needs
`failure.engine_error_in` and `progress.ProgressListener`.
"""
