"""The fault suite: real processes, killed at random, behind a network that misbehaves; `make faults`."""
