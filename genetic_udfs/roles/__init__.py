"""The roles: a prompt, sampling settings and a parser each, and the asking they share."""
