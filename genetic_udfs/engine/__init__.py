"""Engines: the UDF that asks a language model, and the processes that keep vLLM servers alive.

A stage needs `udf.ask` and `chat_completion.Sampling`; the driver also `failure.engine_error_in` and
`progress.ProgressListener`.
"""
