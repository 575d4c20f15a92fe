"""Tests of the widget: its own under Node, and the whole of it in a browser."""
