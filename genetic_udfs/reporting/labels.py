"""What a person reads of how an instruction was made."""


def operator_label(operator: str, task: str | None) -> str:
    """Return the name of an operator, with the task of a mutation."""
    return operator if task is None else f"{operator}: {task}"
