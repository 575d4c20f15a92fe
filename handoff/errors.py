"""The errors of the desk, rung 0 of the ladder.

Every error carries a machine code, an HTTP status and a sentence that says what was refused, which value did it and
how to mend it. Doors map them once, at their border; nothing below a door knows HTTP or frames.
"""

from typing import ClassVar


class BatonError(Exception):
    """Base of all expected failures; `message` is safe to show to whoever caused it."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadFrame(BatonError):
    """A frame or a request body that does not have the shape of its type."""

    code = "bad_frame"


class UnknownFrame(BatonError):
    """A frame whose type this door does not know."""

    code = "unknown_frame"


class TextRefused(BatonError):
    """A text that is empty, too long or holds control characters."""

    code = "text_refused"


class NotFound(BatonError):
    """What was asked for does not exist, or is not this caller's to see: doors never tell which."""

    code = "not_found"
    http_status = 404


class StaleEpoch(BatonError):
    """The floor has changed hands since the caller last looked; nothing was recorded."""

    code = "stale_epoch"
    http_status = 409

    def __init__(self, message: str, *, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch


class AlreadyHeld(BatonError):
    """Somebody else holds the conversation; `holder_id` and `holder_name` say who."""

    code = "already_held"
    http_status = 409

    def __init__(self, message: str, *, holder_id: str, holder_name: str) -> None:
        super().__init__(message)
        self.holder_id = holder_id
        self.holder_name = holder_name


class FloorRefused(BatonError):
    """The author does not hold the floor, or the conversation's phase does not allow this event."""

    code = "floor_refused"
    http_status = 409


class ConversationClosed(FloorRefused):
    """The conversation is resolved; only reopening, rating and notes are possible."""

    code = "conversation_closed"


class TokenInvalid(BatonError):
    """A visitor's token that this server did not sign."""

    code = "token_invalid"
    http_status = 401


class TokenExpired(TokenInvalid):
    """A visitor's token that is too old."""

    code = "token_expired"


class SignInFailed(BatonError):
    """Wrong e-mail or password; the two are never told apart."""

    code = "sign_in_failed"
    http_status = 401


class SignedOut(BatonError):
    """The request needs a signed-in member of staff."""

    code = "signed_out"
    http_status = 401


class Forbidden(BatonError):
    """The signed-in member of staff does not have the role that this needs."""

    code = "forbidden"
    http_status = 403


class TooManyTries(BatonError):
    """A rate limit was reached; `retry_after_s` says when to come back."""

    code = "too_many_tries"
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LinkInvalid(NotFound):
    """A one-time link that was used, replaced or has expired."""

    code = "link_invalid"


class BotFailed(BatonError):
    """The bot did not give a usable answer in time; `detail` names what went wrong for the log."""

    code = "bot_failed"
    http_status = 503


class KnowledgeBaseFailed(BatonError):
    """The knowledge base cannot be reached or answered with nonsense."""

    code = "knowledge_base_unavailable"
    http_status = 503


class KnowledgeBaseAway(KnowledgeBaseFailed):
    """Nothing listens where the knowledge base should."""


class StoreFailed(BatonError):
    """The log could not be written (disk full, file gone); nothing was acknowledged."""

    code = "store_unavailable"
    http_status = 503


class AlreadyThere(BatonError):
    """A value that must be unique is there already; whoever catches it knows which."""

    code = "already_there"
    http_status = 409


class BackupRefused(BatonError):
    """A backup that cannot be made, or a file that cannot be restored; nothing was changed."""

    code = "backup_refused"


class ModelRefused(BatonError):
    """A model that could not be trained or loaded; the one in use stays."""

    code = "model_refused"
    http_status = 503


class SettingsError(BatonError):
    """A setting that cannot work; the message names the variable and what it may be."""

    code = "bad_setting"
