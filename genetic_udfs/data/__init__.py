"""What is read from outside: seeds, HumanEval, MBPP, files of JSON lines, and what of a text counts."""
