"""Sentence embeddings: vectors of length one, whose products are cosine similarities.

`model` loads and runs a model in this process, `vectors` has Spark's Python workers embed texts, or an engine.
"""
