"""Rules that an instruction must pass before a token is spent on its code; each rejection has a reason and a detail."""

from genetic_udfs.evolution.filters.instruction import Rejection, instruction_rejection

__all__ = ["Rejection", "instruction_rejection"]
