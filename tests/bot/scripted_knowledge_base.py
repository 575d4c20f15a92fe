"""A knowledge base that answers what the test tells it to: real HTTP on a real port, the search's real shape, and
the real embeddings, without which the bot understands nothing.
"""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.embedder import answer_embed

TOKEN = "scripted-token"


def build_result(slug: str, *, probability: float = 0.8, passage: int = 1, language: str = "en") -> dict[str, Any]:
    """Build one search result; its title is the slug in words."""
    return {
        "slug": slug,
        "language": language,
        "title": slug.replace("-", " ").capitalize(),
        "revision": 3,
        "url": f"/help/{language}/{slug}",
        "passage": {"id": passage, "heading": "Steps", "text": f"About {slug}.", "html": f"<p>About {slug}.</p>"},
        "score": 0.7,
        "probability": probability,
    }


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hung up: the bot does, when the test makes this server hang."""


class ScriptedKnowledgeBase:
    """Start with `with`. Each `will_...` replaces what was scripted before; `searches` is what was asked since."""

    def __init__(self) -> None:
        self.searches: list[dict[str, Any]] = []
        self._results: list[dict[str, Any]] = []
        self._verdict = "unsure"
        self._trouble = ""
        self._is_embedding = True
        # Set, it takes method, path and body, and gives status and JSON for everything but the vectors.
        self.answering: Callable[[str, str, bytes], tuple[int, Any]] | None = None
        self._released = threading.Event()
        self._server = QuietServer(("127.0.0.1", 0), self._build_handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def will_answer(self, *slugs: str) -> None:
        """Answer with these articles, best first; those that a search excludes are left out, none left is "unsure"."""
        self._script("answer", [build_result(slug) for slug in slugs])

    def will_clarify(self, *slugs: str) -> None:
        self._script("clarify", [build_result(slug, probability=0.4) for slug in slugs])

    def will_be_unsure(self, *slugs: str) -> None:
        self._script("unsure", [build_result(slug, probability=0.1) for slug in slugs])

    def will_return(self, *results: dict[str, Any], verdict: str = "answer") -> None:
        self._script(verdict, list(results))

    def will_fail(self, trouble: str, *, is_embedding: bool = True) -> None:
        """Fail from now on: "status_500", "garbage", "wrong_shape", "hang" or "trickle"; at the vectors as well,
        unless it `is_embedding`.
        """
        self._script("unsure", [], trouble, is_embedding=is_embedding)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _script(
        self, verdict: str, results: list[dict[str, Any]], trouble: str = "", *, is_embedding: bool = True
    ) -> None:
        self._released.set()
        self._released = threading.Event()
        self.searches.clear()
        self._verdict, self._results, self._trouble = verdict, results, trouble
        self._is_embedding = is_embedding

    def _search(self, wanted: dict[str, Any]) -> dict[str, Any]:
        self.searches.append(wanted)
        left = [result for result in self._results if result["slug"] not in wanted.get("exclude", [])]
        verdict = self._verdict if left else "unsure"
        return {
            "question": wanted["question"],
            "language": wanted["language"],
            "verdict": verdict,
            "results": left[: wanted.get("limit", 5)],
        }

    def _read_article(self, slug: str) -> dict[str, Any] | None:
        for result in self._results:
            if result["slug"] == slug:
                kept = {key: result[key] for key in ("slug", "language", "title", "revision")}
                return {**kept, "body": result["passage"]["text"], "html": result["passage"]["html"]}
        return None

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                wanted = json.loads(body)
                if not self._is_allowed():
                    return
                if self.path == "/embed" and script._is_embedding:
                    self._send(200, json.dumps(answer_embed(wanted["texts"])))
                elif script.answering:
                    self._send_answer(script.answering("POST", self.path, body))
                elif not self._is_in_trouble():
                    self._send(200, json.dumps(script._search(wanted)))

            def do_GET(self) -> None:
                if script.answering and self._is_allowed():
                    self._send_answer(script.answering("GET", self.path, b""))
                    return
                article = script._read_article(self.path.split("?")[0].rsplit("/", 1)[-1])
                if self._is_allowed() and not self._is_in_trouble():
                    self._send(200 if article else 404, json.dumps(article))

            def log_message(self, *_: object) -> None:
                """Say nothing: the test's own output is enough."""

            def _is_allowed(self) -> bool:
                is_allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                if not is_allowed:
                    self._send(401, "{}")
                return is_allowed

            def _is_in_trouble(self) -> bool:
                match script._trouble:
                    case "status_500":
                        self._send(500, '{"error": {"code": "internal", "message": "broken"}}')
                    case "garbage":
                        self._send(200, "<html>proxy error</html>")
                    case "wrong_shape":
                        self._send(200, '{"verdict": "answer", "results": [{"slug": "half"}]}')
                    case "hang":
                        script._released.wait(20)
                    case "trickle":
                        self._trickle()
                return bool(script._trouble)

            def _trickle(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                ends_at = time.monotonic() + 20
                while time.monotonic() < ends_at and not script._released.wait(0.5):
                    try:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    except OSError:
                        return

            def _send_answer(self, answer: tuple[int, Any]) -> None:
                self._send(answer[0], json.dumps(answer[1]))

            def _send(self, status: int, body: str) -> None:
                content = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler
