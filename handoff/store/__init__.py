"""Adapters that keep the log, the visitors and the staff; database drivers are imported only here."""
