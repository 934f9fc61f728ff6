"""Names as SQL writes them."""


def quoted(name: str) -> str:
    """Return a name as SQL's identifier, dots, blanks and backticks and all."""
    return "`{}`".format(name.replace("`", "``"))
