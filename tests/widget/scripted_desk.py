"""A small stand-in for the handoff service: serves the widget's files and speaks the visitor protocol as a script says.

It keeps one log for one visitor, refuses nothing, shows each client_id once, and records every frame that it receives.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed
from werkzeug.serving import make_server
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

from tests.support.browser import PATIENCE_S
from tests.support.files import serve_file

WIDGET = Path(__file__).resolve().parents[2] / "widget"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self' ws: wss:"
)
AUTHORS = {"bot": None, "operator": "Grace", "system": None, "visitor": None}
KINDS_OF_FRAMES = {
    "post": "visitor_message",
    "feedback": "feedback_given",
    "choose": "article_chosen",
    "rate": "chat_rated",
    "leave_contact": "contact_left",
}

Frame = dict[str, Any]


class ScriptedDesk:
    """Run with `with ScriptedDesk() as desk`; `desk.url` is the desk, `desk.host_url` another origin that embeds it."""

    def __init__(self, answer: Callable[["ScriptedDesk", Frame], None] | None = None) -> None:
        self.received: list[Frame] = []
        self.log: list[Frame] = []
        self.pages: dict[str, str] = {}
        self.log_epoch = "epoch-1"
        self.phase: str | None = None
        self.operator: Frame | None = None
        self.is_staffed = True
        self.opens_at: float | None = None
        self.is_deaf = False
        self.is_down = False
        self._answer = answer
        self._sockets: list[Any] = []
        self._lock = threading.RLock()
        self._server = make_server("127.0.0.1", 0, self._build_app(), threaded=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="scripted-desk")
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.host_url = f"http://localhost:{self._server.port}"

    def __enter__(self) -> "ScriptedDesk":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_down = True
        self.drop(1001)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def say(
        self, kind: str, author: str, body: Frame, *, client_id: str | None = None, name: str | None = None
    ) -> Frame:
        """Append one event and send it to every socket."""
        with self._lock:
            event = {
                "type": "event",
                "seq": len(self.log) + 1,
                "kind": kind,
                "at": time.time(),
                "author": {"kind": author, "name": name or AUTHORS[author]},
                "client_id": client_id,
                "body": body,
            }
            self.log.append(event)
        self.send(event)
        return event

    def send(self, frame: Frame) -> None:
        with self._lock:
            for ws in list(self._sockets):
                self._send_to(ws, frame)

    def set_status(
        self,
        phase: str | None,
        *,
        operator: str | None = None,
        is_staffed: bool = True,
        opens_at: float | None = None,
    ) -> None:
        self.phase, self.operator, self.is_staffed = phase, {"name": operator} if operator else None, is_staffed
        self.opens_at = opens_at
        self.send({"type": "status", **self._status()})

    def drop(self, code: int, reason: str = "") -> None:
        """Close every socket with this code."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for ws in sockets:
            self._close(ws, code, reason)

    def frames(self, kind: str) -> list[Frame]:
        return [frame for frame in list(self.received) if frame["type"] == kind]

    def wait_for(self, kind: str, count: int = 1, within_s: float = PATIENCE_S) -> list[Frame]:
        """Return the frames of one type once there are enough of them. Raises: AssertionError when they do not come."""
        until = time.monotonic() + within_s
        while len(self.frames(kind)) < count:
            assert time.monotonic() < until, f"{count} x {kind} expected, got {self.received}"
            time.sleep(0.02)
        return self.frames(kind)

    def _build_app(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        sock = Sock(app)
        app.after_request(self._add_policy)
        files: dict[str, tuple[Path, str | None]] = {
            "/widget.js": (WIDGET, "loader.js"),
            "/widget/frame": (WIDGET, "frame.html"),
            "/widget/<name>": (WIDGET, None),
            "/demo/": (WIDGET / "demo", "index.html"),
            "/demo/<name>": (WIDGET / "demo", None),
        }
        for path, (folder, file) in files.items():

            def give(folder: Path = folder, file: str | None = file, name: str = "") -> Response:
                return serve_file(folder, file or name)

            app.add_url_rule(path, endpoint=path, view_func=give)
        app.add_url_rule("/pages/<name>", view_func=self._page, endpoint="page")
        app.add_url_rule("/api/visitor/session", view_func=self._session, methods=["POST"], endpoint="session")
        sock.route("/ws/visitor")(self._talk)
        return app

    def _add_policy(self, response: Response) -> Response:
        if not request.path.startswith("/pages/"):
            response.headers["Content-Security-Policy"] = POLICY
        return response

    def _page(self, name: str) -> Response:
        if name not in self.pages:
            abort(404)
        return Response(self.pages[name], mimetype="text/html")

    def _session(self) -> tuple[Frame, int] | Frame:
        if self.is_down:
            return {"error": {"code": "down", "message": "The desk is down."}}, 503
        token = request.json["token"]
        return {"token": token or "token-1", "is_new": token is None}

    def _talk(self, ws: Any) -> None:
        try:
            hello = json.loads(ws.receive())
            self.received.append(hello)
            if self.is_down:
                self._close(ws, 1011, "")
            with self._lock:
                if not self.is_down:
                    self._welcome(ws, hello)
                    self._sockets.append(ws)
            while True:
                self._take(ws, json.loads(ws.receive()))
        except ConnectionClosed as exc:
            with self._lock:
                if ws in self._sockets:
                    self._sockets.remove(ws)
            # Otherwise the development server would write an HTTP answer behind the last frame.
            raise ConnectionResetError from exc

    def _welcome(self, ws: Any, hello: Frame) -> None:
        cursor = hello["cursor"] if hello["log_epoch"] in (None, self.log_epoch) else 0
        frame = {"type": "welcome", "conversation_id": "c1" if self.log else None, "head": len(self.log)}
        self._send_to(ws, {**frame, "log_epoch": self.log_epoch, "heartbeat_s": 25, **self._status()})
        for event in self.log[cursor:]:
            self._send_to(ws, event)

    def _status(self) -> Frame:
        standing = {"phase": self.phase, "operator": self.operator, "is_staffed": self.is_staffed}
        return standing | {"opens_at": self.opens_at}

    def _take(self, ws: Any, frame: Frame) -> None:
        self.received.append(frame)
        if self.is_deaf or "client_id" not in frame:
            return
        known = next((event for event in self.log if event["client_id"] == frame["client_id"]), None)
        if known is None:
            known = self._record(frame)
        self._send_to(ws, {"type": "ack", "client_id": frame["client_id"], "seq": known["seq"]})
        if self._answer:
            self._answer(self, frame)

    def _record(self, frame: Frame) -> Frame:
        body = {key: value for key, value in frame.items() if key not in ("type", "client_id")}
        if frame["type"] == "feedback":
            body["article_seq"] = body.pop("seq")
        if frame["type"] == "choose":
            options = self.log[frame["seq"] - 1]["body"]["options"]
            body["title"] = next(option["title"] for option in options if option["slug"] == frame["slug"])
        if frame["type"] == "ask_person":
            text = "A person has been asked to join." if self.is_staffed else "Nobody is here right now."
            self.phase = "queue"
            asked = {"reason": "asked_for_person", "text": text, "is_staffed": self.is_staffed}
            return self.say("escalated", "system", asked, client_id=frame["client_id"])
        return self.say(KINDS_OF_FRAMES[frame["type"]], "visitor", body, client_id=frame["client_id"])

    @staticmethod
    def _close(ws: Any, code: int, reason: str) -> None:
        """Say why, and leave it to the browser to hang up: a reset connection would swallow the code."""
        try:
            ws.sock.send(ws.ws.send(CloseConnection(code, reason)))
            ws.sock.shutdown(socket.SHUT_WR)
        except (LocalProtocolError, OSError):
            return

    @staticmethod
    def _send_to(ws: Any, frame: Frame) -> None:
        try:
            ws.send(json.dumps(frame))
        except (ConnectionClosed, OSError):
            return
