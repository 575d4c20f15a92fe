"""The help centre of the scripts: a knowledge base so simple that a writer of scripts foresees every answer.

An article is about a list of words. A question that has more of one article's words than of any other's is answered
with it; equally many of several, and they are offered; none, and nothing was found. Over real HTTP, in the real shape.
"""

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from handoff.rehearsal.script import ScriptError, read_yaml

Answer = tuple[int, Any]
Answering = Callable[[str, str, bytes], Answer]
"""Takes method, path with query, and body; gives status and JSON."""


class HelpCentre:
    """Answers as the knowledge base does, from a file of articles."""

    def __init__(self, file: Path) -> None:
        content = read_yaml(file)
        try:
            self._fails_on = set(content["fails_on"])
            self._articles = [_read_article(number, entry) for number, entry in enumerate(content["articles"])]
        except (KeyError, TypeError) as exc:
            raise ScriptError(
                f"{file} must have `fails_on` and `articles`, each with slug and about: {exc!r}."
            ) from exc

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Serve `POST /search` and `GET /articles/<language>/<slug>`."""
        if method == "POST" and path == "/search":
            return self._search(json.loads(body))
        slug = path.split("?")[0].rsplit("/", 1)[-1]
        found = next((article for article in self._articles if article["slug"] == slug), None)
        if found is None:
            return 404, {"error": {"code": "not_found", "message": f"There is no article {slug}."}}
        return 200, {key: found[key] for key in ("slug", "language", "title", "revision")} | {
            "body": found["title"],
            "html": f"<p>{found['title']}</p>",
            "tags": [],
        }

    def _search(self, wanted: dict[str, Any]) -> Answer:
        words = set(re.findall(r"\w+", wanted["question"].casefold()))
        if words & self._fails_on:
            return 500, {"error": {"code": "internal", "message": "The script wants it so."}}
        left = [article for article in self._articles if article["slug"] not in wanted.get("exclude", [])]
        ranked = sorted(
            ((len(words & article["about"]), article) for article in left), key=lambda pair: pair[0], reverse=True
        )
        found = [(score, article) for score, article in ranked if score >= article["needs"]]
        if not found:
            return 200, {"verdict": "unsure", "results": [_describe(article, words, 0.1) for _, article in ranked[:1]]}
        best = [article for score, article in found if score == found[0][0]]
        verdict, probability = ("answer", 0.8) if len(best) == 1 else ("clarify", 0.4)
        results = [_describe(article, words, probability) for _, article in found]
        return 200, {"verdict": verdict, "results": results[: wanted.get("limit", 5)]}


class ArticleServer:
    """Serves one of several knowledge bases at one address: start with `with`, change `answering` at any time."""

    def __init__(self, answering: Answering, *, token: str) -> None:
        self.answering = answering
        self._token = token
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._build_handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _build_handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve(b"")

            def do_POST(self) -> None:
                self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def log_message(self, *_: object) -> None:
                """Say nothing: the table of results is the output."""

            def _serve(self, body: bytes) -> None:
                status, answer = 401, {"error": {"code": "unauthorized", "message": "The token is missing."}}
                if self.headers.get("Authorization") == f"Bearer {server._token}":
                    status, answer = server.answering(self.command, self.path, body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler


def _read_article(number: int, entry: dict[str, Any]) -> dict[str, Any]:
    slug = entry["slug"]
    passages = [set(words.split()) for words in entry.get("passages", [""])]
    return {
        "slug": slug,
        "language": entry.get("language", "en"),
        "title": entry.get("title") or slug.replace("-", " ").capitalize(),
        "revision": 1,
        "url": f"/help/{entry.get('language', 'en')}/{slug}",
        "about": set(entry["about"].split()),
        "needs": int(entry.get("needs", "2")),
        "tags": entry.get("tags", []),
        "passages": [(number * 10 + place, words) for place, words in enumerate(passages, start=1)],
    }


def _describe(article: dict[str, Any], words: set[str], probability: float) -> dict[str, Any]:
    passage = max(article["passages"], key=lambda pair: len(words & pair[1]))
    text = f"About {article['title'].lower()}."
    return {key: article[key] for key in ("slug", "language", "title", "revision", "url", "tags")} | {
        "passage": {"id": passage[0], "heading": "", "text": text, "html": f"<p>{text}</p>"},
        "score": probability,
        "probability": probability,
    }
