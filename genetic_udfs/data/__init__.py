"""What is read from outside: seeds, HumanEval, files of JSON lines, and what of a text counts."""
