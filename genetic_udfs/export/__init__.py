"""Data sets for trainers: the population's pairs in the forms that they read, as files with a dataset card.

It reads a store and writes a folder; which pairs may leave the store is decided before, by `commands/data_set.py`.
"""
