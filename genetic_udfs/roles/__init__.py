"""The roles: a prompt and a parser each, as columns and as SQL functions, and what their sampling settings ask for."""
