"""What several test suites share: the real stack, socket clients, the cast."""
