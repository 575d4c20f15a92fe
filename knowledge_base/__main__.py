"""`python -m knowledge_base [--host] [--port]`: serve, with settings from the environment."""

import argparse
import sys

from knowledge_base.errors import KnowledgeBaseError
from knowledge_base.server import serve
from knowledge_base.service import read_token


def main() -> int:
    """Serve until stopped; a setting that cannot be used is one line and exit status 1."""
    import os

    parser = argparse.ArgumentParser(prog="python -m knowledge_base", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8010)
    options = parser.parse_args()
    try:
        read_token(os.environ)
        serve(options.host, options.port)
    except KnowledgeBaseError as exc:
        print(f"knowledge base: {exc.message}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
