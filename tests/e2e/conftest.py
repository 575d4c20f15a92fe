"""One running Baton for the end-to-end tests, filled with a real help centre as a company would import its own."""

from collections.abc import Iterator

import pytest

from tests.support.stack import REAL_ARTICLES, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Baton with the demo articles replaced by login.gov's, where they are at hand; else with the demo articles."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    if REAL_ARTICLES.exists():
        stack.environment["BATON_DEMO_ARTICLES"] = "off"
    stack.start()
    try:
        if REAL_ARTICLES.exists():
            stack.baton("import", str(REAL_ARTICLES))
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def login_gov(stack: Stack) -> Stack:
    """The stack over the real articles."""
    if not REAL_ARTICLES.exists():
        pytest.fail(f"The real articles are not at {REAL_ARTICLES}; this test cannot show what it must.")
    return stack
