"""Files of the product for scripted servers: read whole, since Werkzeug leaves a streamed file open when a browser
hangs up.
"""

import mimetypes
from pathlib import Path

from flask import Response, abort
from werkzeug.utils import safe_join


def serve_file(folder: Path, name: str) -> Response:
    """Give a file below `folder`, or 404."""
    found = safe_join(str(folder), name)
    if found is None or not Path(found).is_file():
        abort(404)
    return Response(Path(found).read_bytes(), mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream")
