"""The cast of the desk's tests: a scripted bot, one body and one payload of every kind, small readers of the log."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, get_args

import gevent
import msgspec
from gevent.event import Event as Signal

from handoff.conversations import Conversations
from handoff.errors import BatonError, BotFailed, KnowledgeBaseFailed
from handoff.events import (
    AnyBody,
    ArticleChosen,
    ArticleRef,
    ArticleShown,
    Author,
    AuthorKind,
    BotMessage,
    Candidate,
    ChatRated,
    ClarificationOffered,
    ContactLeft,
    ConversationId,
    ConversationStarted,
    DetailAsked,
    Escalated,
    Event,
    FeedbackGiven,
    IntentGuess,
    NoteAdded,
    OperatorClaimed,
    OperatorMessage,
    OperatorReleased,
    Page,
    PassageRef,
    QuestionUnanswered,
    Reason,
    Reopened,
    Resolved,
    ReturnedToBot,
    Transferred,
    Understood,
    VisitorMessage,
    kind_of,
)
from handoff.kb_client import KbAnswer
from handoff.payloads import (
    AnswerPayload,
    AskPayload,
    ClarifyPayload,
    FeedbackPayload,
    HandoffPayload,
    Payload,
    SayPayload,
    UnderstoodPayload,
    UnsurePayload,
)
from handoff.ports import TurnFacts

BY_VISITOR = Author(AuthorKind.VISITOR, "visitor-ada")
BY_BOT = Author(AuthorKind.BOT)
BY_SYSTEM = Author(AuthorKind.SYSTEM)
BY_GRACE = Author(AuthorKind.OPERATOR, "op-grace", "Grace")
BY_ALAN = Author(AuthorKind.OPERATOR, "op-alan", "Alan")

REFUND = ArticleRef("refunds", "en", "How refunds work", 4, "/help/en/refunds")
PASSAGE = PassageRef(17, "Time limits", "Within 30 days.", "<p>Within 30 days.</p>")
REFUND_GUESS = Candidate("refunds", "en", "How refunds work", 4, "/help/en/refunds", 0.41)
INVOICE_GUESS = Candidate("invoices", "en", "Where invoices are", 2, "/help/en/invoices", 0.37)

BODIES: list[AnyBody] = [
    ConversationStarted(Page("https://www.example.com", "Home", ""), "en", "Europe/London", "Browser/1.0"),
    VisitorMessage("Where is my refund?"),
    Understood(
        2, "question", 0.93, [IntentGuess("question", 0.93), IntentGuess("greet", 0.04)], {"since_when": "noon"}
    ),
    BotMessage("Hello.", "greeting"),
    DetailAsked("email", "How can we reach you?", "Skip"),
    ArticleShown("Where is my refund?", "This may help.", REFUND, PASSAGE, 0.88),
    ClarificationOffered("money?", "Which one?", [REFUND_GUESS, INVOICE_GUESS]),
    ArticleChosen("refunds", "en", "How refunds work"),
    QuestionUnanswered("and the moon?", [INVOICE_GUESS]),
    FeedbackGiven(3, False),
    Escalated(Reason.GUARDED_TOPIC, "A person handles this.", "cancellation", True),
    OperatorClaimed(),
    OperatorReleased(is_lapse=True),
    Transferred("op-alan", "Alan"),
    ReturnedToBot(),
    Resolved(),
    Reopened(),
    OperatorMessage("Grace here."),
    NoteAdded("Paid by card."),
    ContactLeft("Ada", "ada@example.com", "Please call."),
    ChatRated(5, "quick"),
]
"""One body of every kind; `test_every_kind_has_an_example` keeps it whole."""

BODY_TYPES: tuple[type, ...] = get_args(AnyBody)


def example(body_type: type) -> AnyBody:
    """Give the example of a kind."""
    return next(body for body in BODIES if type(body) is body_type)


UNDERSTOOD = UnderstoodPayload("question", 0.93, [IntentGuess("question", 0.93)])


def says(text: str = "Hello!", key: str = "greeting") -> Payload:
    return SayPayload(key, text)


def asks(field: str = "since_when") -> Payload:
    return AskPayload(field, "Since when?", "Skip")


def answers(article: ArticleRef = REFUND, *, tags: Sequence[str] = ()) -> Payload:
    return AnswerPayload("Where is my refund?", "This may help.", article, PASSAGE, 0.88, list(tags))


def clarifies() -> Payload:
    return ClarifyPayload("money?", "Which one?", [REFUND_GUESS, INVOICE_GUESS])


def is_unsure() -> Payload:
    return UnsurePayload("and the moon?", "I found nothing. A person?", [INVOICE_GUESS])


def hears_feedback(helpful: bool) -> Payload:
    return FeedbackPayload(helpful)


def hands_off(reason: Reason = Reason.GUARDED_TOPIC) -> Payload:
    return HandoffPayload(reason, "A person will take over.", "cancellation")


class ScriptedBot:
    """Plays the `Bot` port: says what the script holds, else "Hello!"; `prompts` are the messages it was given."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.asked: list[tuple[ConversationId, TurnFacts]] = []
        self.told: list[list[Event]] = []
        self.is_deaf = False
        self._script: deque[list[Payload] | BatonError | Exception] = deque()
        self._go_on = Signal()
        self._go_on.set()
        self._is_asked = Signal()

    def will_say(self, *payloads: Payload) -> None:
        """Script the next turn; the reading of the message is put first."""
        self._script.append([UNDERSTOOD, *payloads])

    def will_read(self, intent: str, *payloads: Payload) -> None:
        """Script the next turn with another reading of the message."""
        self._script.append([UnderstoodPayload(intent, 0.9), *payloads])

    def will_fail(self, error: Exception | None = None) -> None:
        self._script.append(error or BotFailed("No answer from the bot within 10 s."))

    def waits(self) -> None:
        """Hold back every reply until `goes_on`."""
        self._go_on.clear()
        self._is_asked.clear()

    def goes_on(self) -> None:
        self._go_on.set()

    def has_been_asked(self) -> None:
        """Wait until the bot has been given a message that it holds back."""
        assert self._is_asked.wait(5.0)
        self._is_asked.clear()

    def reply(self, conversation_id: ConversationId, message: str, *, facts: TurnFacts) -> list[Payload]:
        self.prompts.append(message)
        self.asked.append((conversation_id, facts))
        turn = self._script.popleft() if self._script else [UNDERSTOOD, says()]
        self._is_asked.set()
        self._go_on.wait()
        if isinstance(turn, Exception):
            raise turn
        return turn

    def tell(self, conversation_id: ConversationId, said: Sequence[Event]) -> None:
        if self.is_deaf:
            raise BotFailed("The bot's tracker cannot be read.")
        self.told.append(list(said))


class ScriptedArticles:
    """Plays the knowledge base behind the fallback: down until `will_find` scripts a verdict."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self._findings: dict[str, Any] | None = None
        self._article: dict[str, Any] | None = None

    def will_find(self, verdict: str, *results: dict[str, Any]) -> None:
        self._findings = {"question": "", "language": "en", "verdict": verdict, "results": list(results)}

    def will_give(self, article: dict[str, Any]) -> None:
        self._article = article

    def ask(self, method: str, path: str, *, query: object = None, body: Any = None) -> KbAnswer:
        self.asked.append((method, path, body))
        if path == "/search" and self._findings is not None:
            excluded = [r for r in self._findings["results"] if r["slug"] not in body["exclude"]]
            return KbAnswer(200, {**self._findings, "results": excluded})
        if path.startswith("/articles/") and self._findings is not None:
            return KbAnswer(200, self._article) if self._article else KbAnswer(404, {})
        raise KnowledgeBaseFailed("The knowledge base cannot be reached. Try again in a moment.")


def found(slug: str = "refunds", *, passage_id: int = 17, tags: Sequence[str] = ()) -> dict[str, Any]:
    """Give a search result as the knowledge base describes it."""
    passage = {"id": passage_id, "heading": "Steps", "text": "Do this.", "html": "<p>Do this.</p>"}
    return {
        "slug": slug,
        "language": "en",
        "title": f"About {slug}",
        "revision": 2,
        "url": f"/help/en/{slug}",
        "tags": list(tags),
        "passage": passage,
        "score": 0.8,
        "probability": 0.9,
    }


def log_of(conversations: Conversations, conversation_id: ConversationId) -> list[Event]:
    return list(conversations.events(conversation_id))


def kinds_of(events: Sequence[Event]) -> list[str]:
    return [kind_of(event.body) for event in events]


def bodies_of(events: Sequence[Event], body_type: type) -> list[AnyBody]:
    return [event.body for event in events if isinstance(event.body, body_type)]


def outcome_of(call: Callable[[], object]) -> object:
    """Give what a call returns, or the error that it raises: for calls that race."""
    try:
        return call()
    except BatonError as exc:
        return exc


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run calls as greenlets that start in the order given; give the outcome of each."""
    greenlets = [gevent.spawn(outcome_of, call) for call in calls]
    gevent.joinall(greenlets, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
