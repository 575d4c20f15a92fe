"""What the stores need of a database: transactions that are durable when they return, and reads. Two databases offer
it, SQLite and PostgreSQL; the SQL above them is the same, with `?` for parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

Row = Mapping[str, Any]
T = TypeVar("T")


class Transaction(Protocol):
    """What runs inside one transaction."""

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that gives no rows; gives how many it touched."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Give all rows of a query."""

    def lock(self, name: str) -> None:
        """Keep everybody else out who locks the same name, until the transaction ends.

        Take what is read before it is changed under a lock; of several, always in the same order.
        """


class Database(Protocol):
    """One database of the desk, with its schema in place."""

    def write(self, write: Callable[[Transaction], T]) -> T:
        """Run `write` in a transaction; gives its result once the commit is durable.

        Nothing of it is kept if it raises; the exception comes back here. It may be run again, on a fresh
        transaction, if the first one was lost before its commit.

        Raises:
            StoreFailed: the commit failed, or is not known to have happened: whoever sends it again with the same
                client ids is safe.
            AlreadyThere: a unique key has this value already.
        """

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Give all rows of a query, with everything that was committed before.

        Raises:
            StoreFailed: the database cannot be reached or is damaged.
        """

    def close(self) -> None:
        """Finish the writes that are waiting, then let go. Idempotent."""
