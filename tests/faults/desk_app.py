"""The desk with a wall clock that the suite can move: gunicorn loads it instead of `handoff.app`.

Only `time.time` is moved, in the real server process, before anything of the desk is imported; monotonic clocks go on
as they do when an administrator or NTP sets the time.
"""

import mmap
import os
import struct
import time


def _move_clock(path: str) -> None:
    """Put the clock ahead by the seconds that the eight bytes of this file say, at each look."""
    with open(path, "rb") as file:
        ahead = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    real_time = time.time
    time.time = lambda: real_time() + struct.unpack("d", ahead)[0]


_move_clock(os.environ["BATON_FAULTS_CLOCK"])

from handoff.app import create_app_from_environment  # noqa: E402 - the clock is moved first

__all__ = ["create_app_from_environment"]
