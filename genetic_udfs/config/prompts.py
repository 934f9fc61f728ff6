"""A prompt of the user's. Reading and checking its file is `file.py`'s."""

import hashlib

from pydantic import model_serializer

from genetic_udfs.config.section import Section


class OwnPrompt(Section):
    """A template of the user's in place of a role's own: where it lies, and its text, which travels to executors."""

    path: str
    text: str

    @property
    def version(self) -> str:
        """A short hash of the text: the prompt's version in the ledger."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @model_serializer
    def _as_given(self) -> str:
        return self.path
