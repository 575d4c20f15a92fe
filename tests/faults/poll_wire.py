"""What `Wire` is, by long polling: for visitors whose network lets no WebSocket through."""

import http.client
import json
from collections.abc import Callable

from handoff.protocol import CloseCode
from tests.faults.wire import OPEN_WITHIN_S, Frame, Gone

FRAMES_MAX = 19
"""What one poll may carry beside its hello."""

WAIT_MIN_S = 0.2
"""Each poll spends a frame of the budget on its hello."""


class PollWire:
    """Polls over one connection, as browsers do; `hello` gives the first frame of each, with the cursor of now."""

    def __init__(self, port: int, path: str, hello: Callable[[], Frame]) -> None:
        self._path = path
        self._hello = hello
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=OPEN_WITHIN_S)
        self._outgoing: list[Frame] = []
        self._seen = ""
        self._end: Gone | None = None

    def send(self, frame: Frame) -> None:
        """Put a frame into the next poll."""
        self._outgoing.append(frame)

    def receive(self, timeout_s: float) -> list[Frame]:
        """Poll once; give what was told. What was in a poll that failed may have arrived or not."""
        if self._end is not None:
            raise self._end
        frames, self._outgoing = self._outgoing[:FRAMES_MAX], self._outgoing[FRAMES_MAX:]
        wait_s = 0.0 if frames else max(WAIT_MIN_S, timeout_s)
        told = self._post({"frames": [self._hello(), *frames], "seen": self._seen, "wait_s": wait_s})
        self._seen = told["seen"]
        if told["close"]:
            self._end = Gone(told["close"]["code"], told["close"]["reason"])
        return list(told["frames"])

    def close(self) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        self._http.close()

    def _post(self, poll: Frame) -> Frame:
        try:
            self._http.request("POST", self._path, json.dumps(poll), {"Content-Type": "application/json"})
            response = self._http.getresponse()
            answer: Frame = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Gone(0, f"the poll broke: {exc}") from exc
        if response.status == http.HTTPStatus.TOO_MANY_REQUESTS:
            raise Gone(CloseCode.TOO_MANY_FRAMES, "slow down")
        if response.status != http.HTTPStatus.OK:
            raise Gone(0, f"the poll was refused with {response.status}")
        return answer
