"""How diverse a generation is, and how new.

`distances` are those between embeddings, and what is read of words; `pedigree` knows who descends from whom. Both are
pure. `meter` draws the samples, has them embedded, and puts the figures together.
"""
