"""A process that appends until it is killed, and says what was acknowledged.

`python -m tests.contract.appender BACKEND ADDRESS PREFIX`
"""

import sys
import time

import gevent

from handoff.events import Draft, VisitorId, VisitorMessage
from tests.contract.backends import EVENT_STORES
from tests.handoff.cast import BODIES, BY_VISITOR

WRITERS = 4


def main(backend_name: str, address: str, prefix: str) -> None:
    store = EVENT_STORES[backend_name](address, time.time).open()
    started = Draft(BY_VISITOR, BODIES[0])
    chat = store.open_conversation(VisitorId("visitor-ada"), started, reopen_window_s=86_400.0)
    print("chat", chat, flush=True)

    def append_forever(writer: int) -> None:
        number = 0
        while True:
            client_id = f"{prefix}-{writer}-{number}"
            appended = store.append(chat, [Draft(BY_VISITOR, VisitorMessage("x" * 500), client_id)])
            print("ack", appended.events[0].seq, client_id, flush=True)
            number += 1

    gevent.joinall([gevent.spawn(append_forever, writer) for writer in range(WRITERS)])


if __name__ == "__main__":
    main(*sys.argv[1:])
