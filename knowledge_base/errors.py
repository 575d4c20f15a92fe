"""The knowledge base's own errors: the only exceptions that its modules raise on purpose.

Each carries a `code` for programs and a message for people (what, which, how to mend it). This module
imports nothing, and must never know about HTTP: the service maps the four bases to status codes.
"""


class KnowledgeBaseError(Exception):
    """Base of every error that the knowledge base raises on purpose."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class InvalidInputError(KnowledgeBaseError):
    """What was passed in cannot be accepted; nothing changed."""


class NotFoundError(KnowledgeBaseError):
    """There is no such article or revision."""


class ConflictError(KnowledgeBaseError):
    """What was asked for contradicts what is stored by now; nothing changed."""


class ModelError(KnowledgeBaseError):
    """The embedding model is missing, is not what it should be, or does not fit the index."""
