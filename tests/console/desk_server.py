"""A small scripted server for the console's browser tests: speaks the operators' protocol, keeps one log per
conversation in memory and lets a test decide what to hold back, refuse or cut. No second implementation of the desk."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

from flask import Flask, Response, jsonify, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed
from werkzeug.serving import make_server

from tests.support.files import serve_file

Frame = dict[str, Any]

WEB = Path(__file__).resolve().parents[2] / "handoff" / "web"
WIDGET = Path(__file__).resolve().parents[2] / "widget"
GRACE = {"id": "op-grace", "name": "Grace Hopper", "role": "admin"}
PEOPLE = [
    {"id": "op-grace", "name": "Grace Hopper", "is_available": True},
    {"id": "op-alan", "name": "Alan Turing", "is_available": True},
    {"id": "op-mary", "name": "Mary Seacole", "is_available": False},
]
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self' ws: wss:"
)
SOCKET_END_S = 2.0
PHASE_AFTER = {"claim": "operator", "release": "queue", "resolve": "resolved", "return_to_bot": "bot"}
KIND_AFTER = {
    "claim": "operator_claimed",
    "release": "operator_released",
    "resolve": "resolved",
    "return_to_bot": "returned_to_bot",
    "transfer": "transferred",
}


class DeskServer:
    """Scripted operators' desk. Public attributes are the script; `seen` is what the console sent."""

    def __init__(self) -> None:
        self.me = dict(GRACE)
        self.people = [dict(person) for person in PEOPLE]
        self.is_available = True
        self.is_signed_in = True
        self.summaries: dict[str, Frame] = {}
        self.logs: dict[str, list[Frame]] = {}
        self.briefs: dict[str, Frame] = {}
        self.articles: list[Frame] = []
        self.seen: list[Frame] = []
        self.refusals: dict[str, Frame] = {}  # verb -> error frame without client_id
        self.is_holding_acks = False
        self.is_refusing_sockets = False
        self.searches: list[Frame] = []
        self._sockets: dict[Any, str | None] = {}  # socket -> watched conversation
        self._lock = threading.RLock()

    def add(self, summary: Frame, events: list[Frame] | None = None, brief: Frame | None = None) -> str:
        """Put a conversation on the desk and show it to every open console."""
        conversation_id = str(summary["conversation_id"])
        with self._lock:
            self.logs[conversation_id] = list(events or [])
            self.briefs[conversation_id] = brief or build_brief(summary)
            self.summaries[conversation_id] = {**summary, "head": len(self.logs[conversation_id])}
        self.broadcast({"type": "conversation", "summary": self.summaries[conversation_id]})
        return conversation_id

    def change(self, conversation_id: str, **changes: Any) -> None:
        """Change a summary and tell every console."""
        with self._lock:
            summary = {**self.summaries[conversation_id], "updated_at": time.time(), **changes}
            self.summaries[conversation_id] = summary
        self.broadcast({"type": "conversation", "summary": summary})

    def record(self, conversation_id: str, kind: str, body: Frame, author: Frame, client_id: str | None = None) -> int:
        """Append an event, ring the watchers, return its seq."""
        with self._lock:
            log = self.logs[conversation_id]
            event = build_event(
                conversation_id, len(log) + 1, kind, body, author, self.summaries[conversation_id]["epoch"], client_id
            )
            log.append(event)
            for socket, watched in list(self._sockets.items()):
                if watched == conversation_id:
                    self._send(socket, event)
        last = self.summaries[conversation_id]["last"]
        if "text" in body:
            last = {"kind": kind, "author_kind": author["kind"], "text": body["text"]}
        self.change(conversation_id, head=len(self.logs[conversation_id]), last=last)
        return len(self.logs[conversation_id])

    def visitor_says(self, conversation_id: str, text: str) -> int:
        return self.record(conversation_id, "visitor_message", {"text": text}, visitor_author(None))

    def broadcast(self, frame: Frame) -> None:
        with self._lock:
            for socket in list(self._sockets):
                self._send(socket, frame)

    def cut(self, code: int = 1011, reason: str = "") -> None:
        """Close every console's socket with a close code."""
        with self._lock:
            sockets = list(self._sockets)
            self._sockets.clear()
        for socket in sockets:
            with suppress(ConnectionClosed, OSError):
                socket.close(code, reason)

    def sent(self, frame_type: str) -> list[Frame]:
        return [frame for frame in list(self.seen) if frame["type"] == frame_type]

    def serve_socket(self, socket: Any) -> None:
        if self.is_refusing_sockets:
            socket.close(4011, "")
            end_line(socket)
            return
        with suppress(ConnectionClosed):
            while True:
                frame = json.loads(socket.receive())
                self.seen.append(frame)
                self._answer(socket, frame)
        with self._lock:
            self._sockets.pop(socket, None)
        end_line(socket)

    def _answer(self, socket: Any, frame: Frame) -> None:
        kind = frame["type"]
        with self._lock:
            if kind == "hello":
                self._sockets[socket] = None
                self._send(socket, self._welcome())
            elif kind == "watch":
                self._watch(socket, frame["conversation_id"], frame["cursor"])
            elif kind == "unwatch":
                self._sockets[socket] = None
            elif kind == "set_available":
                self.is_available = frame["is_available"]
            elif kind in self.refusals:
                self._send(socket, {"type": "error", "client_id": frame["client_id"], **self.refusals[kind]})
            elif kind in {"post", "note"}:
                self._take_message(socket, frame)
            elif kind in KIND_AFTER:
                self._take_command(socket, frame)

    def _welcome(self) -> Frame:
        return {
            "type": "welcome",
            "operator": self.me,
            "is_available": self.is_available,
            "heartbeat_s": 25,
            "conversations": list(self.summaries.values()),
            "people": self.people,
            "log_epoch": "log-1",
            "server_at": time.time(),
        }

    def _watch(self, socket: Any, conversation_id: str, cursor: int) -> None:
        self._sockets[socket] = conversation_id
        for event in self.logs.get(conversation_id, []):
            if event["seq"] > cursor:
                self._send(socket, event)
        brief = self.briefs.get(conversation_id)
        if brief:
            self._send(socket, {"type": "brief", "conversation_id": conversation_id, "brief": brief})

    def _take_message(self, socket: Any, frame: Frame) -> None:
        log = self.logs[frame["conversation_id"]]
        known = next((event["seq"] for event in log if event["client_id"] == frame["client_id"]), None)
        if self.is_holding_acks:
            return
        kind = "operator_message" if frame["type"] == "post" else "note_added"
        seq = known or self.record(
            frame["conversation_id"], kind, {"text": frame["text"]}, operator_author(self.me), frame["client_id"]
        )
        self._send(socket, {"type": "ack", "client_id": frame["client_id"], "seq": seq})

    def _take_command(self, socket: Any, frame: Frame) -> None:
        conversation_id, kind = frame["conversation_id"], frame["type"]
        holder = {"id": self.me["id"], "name": self.me["name"]} if kind == "claim" else None
        phase = PHASE_AFTER.get(kind, "operator")
        if kind == "transfer":
            holder = next({"id": p["id"], "name": p["name"]} for p in self.people if p["id"] == frame["to"])
        summary = self.summaries[conversation_id]
        queued_at = time.time() if phase == "queue" else None
        self.summaries[conversation_id] = {
            **summary,
            "phase": phase,
            "holder": holder,
            "epoch": summary["epoch"] + 1,
            "queued_at": queued_at,
        }
        body = {"operator_id": holder["id"], "operator_name": holder["name"]} if kind == "transfer" and holder else {}
        seq = self.record(conversation_id, KIND_AFTER[kind], body, operator_author(self.me), frame["client_id"])
        self._send(socket, {"type": "ack", "client_id": frame["client_id"], "seq": seq})

    def _send(self, socket: Any, frame: Frame) -> None:
        with suppress(ConnectionClosed, OSError):
            socket.send(json.dumps(frame))


def build_app(desk: DeskServer) -> Flask:
    app = Flask(__name__, static_folder=None)
    sock = Sock(app)
    sock.route("/ws/operator")(desk.serve_socket)

    @app.get("/console")
    def show_console() -> Response:
        return serve_file(WEB / "pages", "console.html")

    @app.get("/favicon.ico")
    def show_no_icon() -> tuple[str, int]:
        return "", 204

    @app.get("/sign-in")
    def show_sign_in() -> str:
        return "<!doctype html><html lang=en><title>Sign in</title><h1>Sign in</h1></html>"

    @app.get("/static/<path:name>")
    def show_static(name: str) -> Response:
        return serve_file(WEB / "static", name)

    @app.get("/widget/polling_socket.js")
    def show_polling_socket() -> Response:
        return serve_file(WIDGET, "polling_socket.js")

    @app.get("/api/staff/me")
    def tell_me() -> Any:
        if desk.is_signed_in:
            return jsonify(operator=desk.me)
        return jsonify(error={"code": "signed_out", "message": "Sign in first."}), 401

    @app.post("/api/staff/sign-out")
    def sign_out() -> Any:
        desk.is_signed_in = False
        return jsonify({})

    @app.post("/api/search")
    def search() -> Any:
        asked = request.get_json()
        desk.searches.append(asked)
        verdict = "answer" if desk.articles else "unsure"
        return jsonify(question=asked["question"], language="en", verdict=verdict, results=desk.articles)

    @app.get("/api/articles/<language>/<slug>")
    def show_article(language: str, slug: str) -> Any:
        found = next(article for article in desk.articles if article["slug"] == slug)
        return jsonify({**found, "language": language, "html": found["passage"]["html"], "status": "published"})

    @app.after_request
    def set_policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


@contextmanager
def run_desk(desk: DeskServer, port: int = 0) -> Iterator[str]:
    """Serve in a thread; yields the base address."""
    server = make_server("127.0.0.1", port, build_app(desk), threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        desk.cut(1001)
        server.shutdown()
        server.server_close()
        thread.join(5)


def end_line(socket: Any) -> None:
    """Wait for the browser's own close frame, then end the line before the HTTP server writes an answer into it."""
    socket.thread.join(SOCKET_END_S)
    with suppress(OSError):
        request.environ["werkzeug.socket"].shutdown(SHUT_RDWR)


def build_event(
    conversation_id: str, seq: int, kind: str, body: Frame, author: Frame, epoch: int, client_id: str | None = None
) -> Frame:
    return {
        "type": "event",
        "conversation_id": conversation_id,
        "seq": seq,
        "kind": kind,
        "at": time.time(),
        "epoch": epoch,
        "author": author,
        "client_id": client_id,
        "body": body,
    }


def build_summary(conversation_id: str, number: int, **changes: Any) -> Frame:
    """A waiting chat of Ada, changed as the test wishes."""
    now = time.time()
    return {
        "conversation_id": conversation_id,
        "number": number,
        "phase": "queue",
        "epoch": 2,
        "head": 0,
        "holder": None,
        "visitor": {"id": f"v-{conversation_id}", "name": "Ada", "email": None, "language": "en", "timezone": "UTC"},
        "page": {"url": "https://shop.example/prices", "title": "Prices", "referrer": ""},
        "reason": "asked_for_person",
        "queued_at": now - 5,
        "started_at": now - 60,
        "updated_at": now - 5,
        "last": {"kind": "visitor_message", "author_kind": "visitor", "text": "Can I talk to somebody?"},
        "rating": None,
        "is_visitor_online": True,
        **changes,
    }


def build_brief(summary: Frame) -> Frame:
    return {
        "visitor": {**summary["visitor"], "earlier_chats": 0},
        "page": summary["page"],
        "reason": summary["reason"],
        "reason_text": "The visitor asked for a person." if summary["reason"] else "",
        "waiting_since": summary["queued_at"],
        "slots": {},
        "asked": [],
        "articles": [],
        "unanswered": [],
        "notes": 0,
    }


def visitor_author(name: str | None) -> Frame:
    return {"kind": "visitor", "id": None, "name": name}


def bot_author() -> Frame:
    return {"kind": "bot", "id": None, "name": None}


def operator_author(operator: Frame) -> Frame:
    return {"kind": "operator", "id": operator["id"], "name": operator["name"]}


def system_author() -> Frame:
    return {"kind": "system", "id": None, "name": None}
