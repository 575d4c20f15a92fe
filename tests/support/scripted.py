"""Scripted stand-ins at the desk's two ports, as real HTTP servers: a bot that says what it is told to, a tiny
knowledge base.
"""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.embedder import answer_embed

Payload = dict[str, Any]

ARTICLE = {
    "slug": "mail-iphone",
    "language": "en",
    "title": "Mail on an iPhone",
    "revision": 3,
    "url": "/help/en/mail-iphone",
}
PASSAGE = {"id": 7, "heading": "Steps", "text": "Open Settings.", "html": "<p>Open Settings.</p>"}


def understood(intent: str = "question", confidence: float = 0.9) -> Payload:
    return {"type": "understood", "intent": intent, "confidence": confidence, "ranking": []}


def say(text: str) -> list[Payload]:
    return [understood("greeting"), {"type": "say", "key": "greeting", "text": text}]


def answer(question: str = "how?", **article: Any) -> list[Payload]:
    return [
        understood(),
        {
            "type": "answer",
            "question": question,
            "text": "This may help.",
            "article": ARTICLE | article,
            "passage": PASSAGE,
            "probability": 0.87,
        },
    ]


def unsure(question: str = "what?") -> list[Payload]:
    return [
        understood(),
        {"type": "unsure", "question": question, "text": "I found nothing. A person?", "candidates": []},
    ]


class ScriptedServer:
    """An HTTP server in a thread of the tests."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._respond(self, None)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server._respond(self, json.loads(raw) if raw else None)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the tests' output is theirs."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join(5)
        self._http.server_close()

    def _respond(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        status, raw = self.answer_to(handler.path, body)
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def answer_to(self, path: str, body: Any) -> tuple[int, bytes]:
        raise NotImplementedError


class ScriptedBot(ScriptedServer):
    """Rasa's REST channel with a script; what is not scripted is greeted."""

    def __init__(self) -> None:
        super().__init__()
        self._script: deque[list[Payload] | bytes] = deque()
        self.heard: list[str] = []
        self.facts: list[dict[str, Any]] = []
        self.tracker: list[dict[str, Any]] = []
        self._go_on = threading.Event()
        self._go_on.set()

    def will_say(self, *turns: list[Payload]) -> None:
        self._script.extend(turns)

    def will_answer_raw(self, raw: bytes) -> None:
        self._script.append(raw)

    def was_told(self) -> list[tuple[str, str | None]]:
        """Give kind and text of the tracker's events, those of the turns among them."""
        return [(event["event"], event.get("text")) for event in self.tracker]

    def holds_back(self) -> None:
        """Keep every reply until `goes_on`."""
        self._go_on.clear()

    def goes_on(self) -> None:
        self._go_on.set()

    def answer_to(self, path: str, body: Any) -> tuple[int, bytes]:
        if path.partition("?")[0].endswith("/tracker/events"):
            self.tracker += body
            return 200, b"{}"
        if body is None:
            return 200, json.dumps({"events": self.tracker}).encode()
        self.heard.append(body["message"])
        self.facts.append(body["metadata"])
        self.tracker.append({"event": "user", "text": body["message"], "metadata": body["metadata"]})
        turn = self._script.popleft() if self._script else say("Hello!")
        self._go_on.wait(30)
        if isinstance(turn, bytes):
            return 200, turn
        return 200, json.dumps([{"recipient_id": body["sender"], "custom": payload} for payload in turn]).encode()


class ScriptedKnowledgeBase(ScriptedServer):
    """A knowledge base that knows one article, or is away; its vectors are real."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False

    def answer_to(self, path: str, body: Any) -> tuple[int, bytes]:
        if self.is_away:
            return 503, b"{}"
        if path == "/embed":
            return 200, json.dumps(answer_embed(body["texts"])).encode()
        if path.startswith("/search"):
            result = ARTICLE | {"passage": PASSAGE, "score": 0.8, "probability": 0.87}
            return 200, json.dumps(
                {"question": "", "language": "en", "verdict": "answer", "results": [result]}
            ).encode()
        return 200, json.dumps({"articles": [], "total": 0, "languages": ["en"], "body": body}).encode()
