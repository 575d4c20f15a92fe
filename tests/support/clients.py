"""Visitors and operators as the wire sees them: real sockets, frames as dictionaries, waiting with a deadline."""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx
from simple_websocket import Client, ConnectionClosed

Frame = dict[str, Any]

PATIENCE_S = 20.0


def new_client_id() -> str:
    return uuid.uuid4().hex


class _PromptClient(Client):
    """The library's client, which leaves what came in one piece with the handshake's answer until more comes."""

    def handshake(self) -> None:
        super().handshake()
        self._handle_events()
        self.connected = True  # a goodbye among them is kept; the reader's thread finds the socket closed


class SocketClient:
    """A WebSocket whose frames are kept in the order in which they came."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self._ws = _PromptClient(url, headers=headers or {})
        self.frames: list[Frame] = []
        self.close_code: int | None = None
        self.close_reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def send(self, **frame: Any) -> None:
        self._ws.send(json.dumps(frame))

    def send_raw(self, raw: str | bytes) -> None:
        self._ws.send(raw)

    def close(self) -> None:
        with suppress(ConnectionClosed, OSError):
            self._ws.close()
        self._ws.thread.join(5)

    def wait_for(self, wanted: Callable[[Frame], bool], *, within_s: float = PATIENCE_S) -> Frame:
        """Give the first frame, seen before or still to come, that is wanted."""
        for frame in self.frames:
            if wanted(frame):
                return frame
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            frame = self._receive(left)
            if frame is not None and wanted(frame):
                return frame
        raise AssertionError(f"not seen within {within_s} s; last frames: {self.frames[-6:]}")

    def wait_for_close(self, *, within_s: float = PATIENCE_S) -> int:
        deadline = time.monotonic() + within_s
        while self.close_code is None:
            left = deadline - time.monotonic()
            assert left > 0, f"still open after {within_s} s"
            try:
                self._receive(left)
            except AssertionError:
                break
        assert self.close_code is not None
        return self.close_code

    def drain(self, *, for_s: float) -> list[Frame]:
        """Give what comes within a time: for showing that something does not."""
        seen = len(self.frames)
        deadline = time.monotonic() + for_s
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        return self.frames[seen:]

    def ask(self, type_: str, **fields: Any) -> Frame:
        """Send a command and give its ack or error."""
        client_id = fields.pop("client_id", None) or new_client_id()
        self.send(type=type_, client_id=client_id, **fields)
        return self.wait_for(lambda f: f["type"] in ("ack", "error") and f.get("client_id") == client_id)

    def event(self, kind: str, *, after_seq: int = 0, within_s: float = PATIENCE_S) -> Frame:
        return self.wait_for(
            lambda f: f["type"] == "event" and f["kind"] == kind and f["seq"] > after_seq, within_s=within_s
        )

    def events(self, kind: str | None = None) -> list[Frame]:
        return [f for f in self.frames if f["type"] == "event" and kind in (None, f["kind"])]

    def _receive(self, timeout_s: float) -> Frame | None:
        try:
            raw = self._ws.receive(timeout=timeout_s)
        except ConnectionClosed as exc:
            self.close_code, self.close_reason = exc.reason, exc.message or ""
            raise AssertionError(f"closed with {exc.reason} {exc.message}; last frames: {self.frames[-4:]}") from exc
        if raw is None:
            return None
        frame: Frame = json.loads(raw)
        self.frames.append(frame)
        return frame


class VisitorClient(SocketClient):
    """Ada's browser: gets a token, says hello, can come back with its cursor."""

    def __init__(
        self, base_url: str, *, token: str | None = None, cursor: int = 0, log_epoch: str | None = None, **hello: Any
    ) -> None:
        self.base_url = base_url
        self.token = token or new_token(base_url)
        super().__init__(base_url.replace("http", "ws") + "/ws/visitor")
        self.send(
            type="hello",
            token=self.token,
            cursor=cursor,
            log_epoch=log_epoch,
            **(
                {
                    "page": {"url": "https://www.example.com/", "title": "Home"},
                    "language": "en",
                    "timezone": "Europe/Berlin",
                }
                | hello
            ),
        )

    @property
    def cursor(self) -> int:
        return max((f["seq"] for f in self.events()), default=0)

    def welcome(self) -> Frame:
        return self.wait_for(lambda f: f["type"] == "welcome")

    def says(self, text: str, **fields: Any) -> Frame:
        return self.ask("post", text=text, **fields)

    def back_again(self, *, cursor: int | None = None) -> "VisitorClient":
        """Open another socket of the same visitor, from this one's cursor."""
        return VisitorClient(self.base_url, token=self.token, cursor=self.cursor if cursor is None else cursor)


class OperatorClient(SocketClient):
    """Grace's console."""

    def __init__(self, base_url: str, session: str) -> None:
        headers = {"Cookie": f"baton_session={session}", "Origin": base_url}
        super().__init__(base_url.replace("http", "ws") + "/ws/operator", headers)

    def welcome(self) -> Frame:
        return self.wait_for(lambda f: f["type"] == "welcome")

    def summary(self, wanted: Callable[[Frame], bool], *, within_s: float = PATIENCE_S) -> Frame:
        """Give the first line of a list, from the welcome or later, that is wanted."""
        for line in self.welcome()["conversations"]:
            if wanted(line):
                return line
        frame = self.wait_for(lambda f: f["type"] == "conversation" and wanted(f["summary"]), within_s=within_s)
        return frame["summary"]

    def sees_in_queue(self, **facts: Any) -> Frame:
        return self.summary(lambda s: s["phase"] == "queue" and all(s[key] == value for key, value in facts.items()))

    def watches(self, conversation_id: str, *, cursor: int = 0) -> Frame:
        """Watch, and give the first brief."""
        self.send(type="watch", conversation_id=conversation_id, cursor=cursor)
        return self.wait_for(lambda f: f["type"] == "brief" and f["conversation_id"] == conversation_id)["brief"]

    def does(self, command: str, summary: Frame, **fields: Any) -> Frame:
        fields = {"epoch": summary["epoch"]} | fields
        return self.ask(command, conversation_id=summary["conversation_id"], **fields)


def new_token(base_url: str) -> str:
    answer = httpx.post(f"{base_url}/api/visitor/session", json={"token": None, "site": "https://www.example.com"})
    answer.raise_for_status()
    return str(answer.json()["token"])


def join(base_url: str, join_url: str, *, name: str, email: str, password: str = "correct horse battery") -> str:
    """Complete an account through its one-time link; give the session cookie."""
    token = join_url.rsplit("/", 1)[1]
    answer = httpx.post(f"{base_url}/api/staff/join/{token}", json={"name": name, "email": email, "password": password})
    answer.raise_for_status()
    return answer.cookies["baton_session"]
