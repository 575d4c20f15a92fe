"""The doors for HTTP: pages, staff accounts, visitors' sessions, articles."""
