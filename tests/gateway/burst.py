"""What several writers send at once over one socket: the server makes it, the test knows it again."""

from typing import Any

WRITERS = 8
BURST_FRAMES = 25
"""Of each writer; all of them together stay below what may wait for a slow peer."""

FRAME_CHARS = 20_000


def burst_frame(writer: int, round_: int, number: int) -> dict[str, Any]:
    return {"writer": writer, "round": round_, "number": number, "text": "abcdefgh"[writer] * FRAME_CHARS}
