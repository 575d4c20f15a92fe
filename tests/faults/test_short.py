"""The short form of `make faults`: minutes of it are a program of their own, this much is part of every test run."""

import re
import subprocess
import sys

import pytest

from tests.support.processes import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WITHIN_S = 300
"""A run that hangs is ended; on two busy cores it takes 40 s."""

# Enough for each thing that can happen in the mode to happen at least once.
SHORT = {
    "sqlite": ["--messages", "1500", "--kills", "8"],
    "servers": ["--messages", "1500", "--kills", "10"],
}
EVERYWHERE = {"kills", "desk", "worker", "desk after an ack", "desk while it starts", "clean restarts", "clock jumps"}
EVERYWHERE |= {
    "cuts",
    "half-closes",
    "dropped directions",
    "delays",
    "sent home by a restart",
    "resends",
    "without WebSockets",
}
HAPPENS = {
    "sqlite": EVERYWHERE | {"full disks", "refused: log not writable"},
    "servers": EVERYWHERE | {"postgres", "redis"},
}


@pytest.mark.parametrize("mode", SHORT)
def test_nothing_is_lost_doubled_or_reordered_whatever_happens(mode: str) -> None:
    command = [sys.executable, "-m", "tests.faults", "--mode", mode, "--seed", "short", *SHORT[mode]]
    people = ["--visitors", "90", "--operators", "5", "--trouble-every", "8"]
    done = subprocess.run([*command, *people], cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S)
    printed = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, printed
    counts = {name: int(n.replace(",", "")) for name, n in re.findall(r"│ +(.+?) +│ +([\d,]+) │", done.stdout)}
    assert counts["messages acknowledged"] >= 1500, printed
    assert counts["kills"] >= 6, printed
    assert {name for name in HAPPENS[mode] if counts[name] == 0} == set(), printed
    assert (counts["lost"], counts["doubled"], counts["reordered"], counts["otherwise wrong"]) == (0, 0, 0, 0), printed
