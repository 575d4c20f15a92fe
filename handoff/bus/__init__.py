"""Adapters that carry rings and whispers between connections."""
