"""The three roles of the method: a prompt, sampling settings and a parser each, and the asking they share."""
