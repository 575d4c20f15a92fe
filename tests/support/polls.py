"""Visitors and operators whose network lets no WebSocket through: each call is one poll."""

from typing import Any

import httpx

from tests.support.clients import Frame, new_client_id, new_token

WAIT_S = 20.0


class PollClient:
    """Keeps cursor and `seen` from poll to poll as a browser does; `frames` are all that were told, in order."""

    def __init__(self, base_url: str, *, headers: dict[str, str] | None = None) -> None:
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=60.0)
        self.frames: list[Frame] = []
        self.seen = ""
        self.close: Frame | None = None

    def __enter__(self) -> "PollClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def path(self) -> str:
        raise NotImplementedError

    def opening(self) -> list[Frame]:
        raise NotImplementedError

    def send(self, *frames: Frame, wait_s: float = 0.0) -> httpx.Response:
        """Send one poll; give the HTTP response as it is."""
        body = {"frames": [*self.opening(), *frames], "seen": self.seen, "wait_s": wait_s}
        return self.http.post(self.path, json=body)

    def poll(self, *frames: Frame, wait_s: float = 0.0) -> list[Frame]:
        """Send one poll and take its answer in; give what it told."""
        response = self.send(*frames, wait_s=wait_s)
        assert response.status_code == 200, response.text
        told = response.json()
        assert set(told) == {"frames", "seen", "close"}
        self.frames += told["frames"]
        self.seen, self.close = told["seen"], told["close"]
        return list(told["frames"])

    def ask(self, type_: str, **fields: Any) -> Frame:
        """Send a command and give its ack or error."""
        client_id = fields.pop("client_id", None) or new_client_id()
        told = self.poll({"type": type_, "client_id": client_id, **fields})
        return next(f for f in told if f["type"] in ("ack", "error") and f["client_id"] == client_id)

    def event(self, kind: str, *, after_seq: int = 0) -> Frame:
        """Give the first event of a kind, polling until it has come."""
        for _ in range(50):
            for frame in self.events(kind):
                if frame["seq"] > after_seq:
                    return frame
            self.poll(wait_s=WAIT_S)
        raise AssertionError(f"no {kind} in fifty polls: {self.frames[-6:]}")

    def events(self, kind: str | None = None) -> list[Frame]:
        return [f for f in self.frames if f["type"] == "event" and kind in (None, f["kind"])]

    def last(self, type_: str) -> Frame:
        return next(f for f in reversed(self.frames) if f["type"] == type_)


class PollingVisitor(PollClient):
    """Ada behind a proxy that lets no WebSocket through."""

    path = "/api/visitor/poll"

    def __init__(self, base_url: str, *, token: str | None = None, cursor: int = 0) -> None:
        super().__init__(base_url)
        self.token = token or new_token(base_url)
        self._cursor = cursor

    @property
    def cursor(self) -> int:
        return max((f["seq"] for f in self.events()), default=self._cursor)

    def opening(self) -> list[Frame]:
        return [{"type": "hello", "token": self.token, "cursor": self.cursor}]

    def says(self, text: str, **fields: Any) -> Frame:
        return self.ask("post", text=text, **fields)


class PollingOperator(PollClient):
    """Grace in such an office."""

    path = "/api/operator/poll"

    def __init__(self, base_url: str, session: str) -> None:
        super().__init__(base_url, headers={"Cookie": f"baton_session={session}", "Origin": base_url})
        self.watched: str | None = None

    def opening(self) -> list[Frame]:
        hello = {"type": "hello"}
        if self.watched is None:
            return [hello]
        cursor = max((f["seq"] for f in self.events() if f["conversation_id"] == self.watched), default=0)
        return [hello, {"type": "watch", "conversation_id": self.watched, "cursor": cursor}]

    def does(self, command: str, summary: Frame, **fields: Any) -> Frame:
        return self.ask(command, conversation_id=summary["conversation_id"], **({"epoch": summary["epoch"]} | fields))

    def line(self, conversation_id: str, **facts: Any) -> Frame:
        """Give a conversation's line once it shows these facts, polling until it does."""
        for _ in range(50):
            for summary in reversed(list(self._lines())):
                if summary["conversation_id"] == conversation_id:
                    if all(summary[name] == value for name, value in facts.items()):
                        return summary
                    break
            self.poll(wait_s=WAIT_S)
        raise AssertionError(f"{facts} not seen in fifty polls")

    def _lines(self) -> Any:
        for frame in self.frames:
            yield from frame["conversations"] if frame["type"] == "welcome" else ()
            if frame["type"] == "conversation":
                yield frame["summary"]
