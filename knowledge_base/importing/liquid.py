"""Jekyll's Liquid markup in a help article, resolved as far as the article itself can tell.

Lists of the front matter and captured texts are what visitors read, so they are kept; what would need the
site's templates or data is left out and reported. No Liquid is executed, and none is left in the text: only code of
a file that uses no Liquid keeps its braces.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from knowledge_base.importing.fences import find_code, mask_code

_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}(.*?)\{%-?\s*endraw\s*-?%\}", re.S)
_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}", re.S)
_CAPTURE = re.compile(r"\{%-?\s*capture\s+['\"]?([\w-]+)['\"]?\s*-?%\}(.*?)\{%-?\s*endcapture\s*-?%\}", re.S)
_ASSIGN = re.compile(r"\{%-?\s*assign\s+([\w-]+)\s*=\s*(\"[^\"]*\"|'[^']*')\s*-?%\}")
_HIGHLIGHT = re.compile(r"\{%-?\s*highlight\s+(\w+)[^%]*%\}\n?(.*?)\n?\{%-?\s*endhighlight\s*-?%\}", re.S)
_INCLUDE = re.compile(r"\{%-?\s*include(?:_relative|_cached)?\s+([^\s%]+)(.*?)-?%\}", re.S)
_LINK = re.compile(r"\{%-?\s*link\s+([^\s%]+)\s*-?%\}")
# Whether a condition holds and what a loop runs over is known to the site only.
_BLOCK = re.compile(r"\{%-?\s*(if|unless|for|case|tablerow)\b(?:(?!\{%-?\s*(?:if|unless|for|case|tablerow)\b).)*?"
                    r"\{%-?\s*end\1\s*-?%\}", re.S)  # fmt: skip
_TAG = re.compile(r"\{%-?\s*(\w*)(?:(?!\{%).)*?%\}", re.S)
_OUTPUT = re.compile(r"\{\{-?((?:(?!\{\{).)*?)-?\}\}", re.S)
# In a file without any of these, braces in code are another program's, and an example to be read.
_USED = re.compile(r"\{%|\{\{-?\s*(?:page|site|include|layout)\.")
_STRAY = re.compile(r"\{%-?|\{\{-?")
_PARAMETER = re.compile(r"([\w-]+)\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s%]+)")
_QUOTED = re.compile(r"([\"'])(.*?)\1", re.S)
# An include may bring a list whose items include again; deeper nesting is a loop.
_DEPTH_MAX = 3


@dataclass(slots=True)
class _Page:
    fields: Mapping[str, Any]
    captured: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, None] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)


def resolve_liquid(body: str, fields: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the body as plain Markdown, and what had to be left out."""
    page = _Page(fields)
    text = _RAW.sub(lambda found: _keep_raw(found, page), body)
    if not _USED.search(mask_code(text)):
        text = _keep_code(text, page)
    text = _COMMENT.sub("", text)
    text = _resolve(text, page, depth=0)
    if _STRAY.search(text):
        page.left_out["unclosed tag"] = None
        text = _STRAY.sub("", text)
    for number, raw in reversed(list(enumerate(page.raw))):  # code may hold what was raw before
        text = text.replace(_raw_mark(number), raw)
    return text, tuple(page.left_out)


def _resolve(text: str, page: _Page, *, depth: int) -> str:
    text = _CAPTURE.sub(lambda found: _capture(found, page), text)
    text = _ASSIGN.sub(lambda found: _assign(found, page), text)
    text = _HIGHLIGHT.sub(r"\n```\1\n\2\n```\n", text)
    text = _LINK.sub(r"\1", text)
    text = _INCLUDE.sub(lambda found: _include(found, page, depth=depth), text)
    text = _drop_blocks(text, page)
    text = _OUTPUT.sub(lambda found: _output(found.group(1).strip(), page, depth=depth), text)
    return _TAG.sub(lambda found: _drop_tag(found, page), text)


def _include(found: re.Match[str], page: _Page, *, depth: int) -> str:
    name, parameters = found.group(1), dict(_PARAMETER.findall(found.group(2)))
    mark = _find_mark(name, parameters)
    items = _look_up(parameters.get("items", ""), page)
    if isinstance(items, Sequence) and not isinstance(items, str) and items:
        bullets = [f"- {mark}{_text_of(item)}" for item in items if _text_of(item)]
        return _nest("\n\n" + "\n".join(bullets) + "\n\n", page, depth=depth)
    content = _look_up(parameters.get("content", ""), page)
    if isinstance(content, str) and content.strip():
        lines = _nest(content.strip(), page, depth=depth).split("\n")
        return "\n\n" + "\n".join(f"> {line.strip()}".rstrip() for line in lines) + "\n\n"
    text = _look_up(parameters.get("text", ""), page)
    if isinstance(text, str) and text.strip():
        return f"\n\n- {mark}{text.strip()}\n\n" if mark else f"\n\n{text.strip()}\n\n"
    page.left_out[f"include {name}"] = None
    return "\n\n"


def _find_mark(include: str, parameters: Mapping[str, str]) -> str:
    """Return the sign that a template draws as an icon: "use a white background" below a cross means the opposite."""
    looks = [include, *(parameters.get(name, "") for name in ("icon_shape", "icon_color", "items"))]
    if any(re.search(r"incorrect|wrong|(?<![a-z])dont(?![a-z])|cancel|error", look) for look in looks):
        return "✗ "
    return "✓ " if "correct" in include else ""


def _nest(text: str, page: _Page, *, depth: int) -> str:
    return _resolve(text, page, depth=depth + 1) if depth < _DEPTH_MAX else _TAG.sub("", _OUTPUT.sub("", text))


def _look_up(expression: str, page: _Page) -> Any:
    """Return what a quoted text, a captured name or a `page.name` stands for; None if only the site knows."""
    if quoted := _QUOTED.fullmatch(expression):
        return quoted.group(2)
    if expression in page.captured:
        return page.captured[expression]
    value: Any = page.fields
    scope, _, path = expression.partition(".")
    if scope != "page" or not path:
        return None
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _output(expression: str, page: _Page, *, depth: int) -> str:
    head, *filters = (part.strip() for part in expression.split("|"))
    if head in ("site.baseurl", "site.url") and not filters:
        return ""
    value = _look_up(head, page)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return _nest(str(value), page, depth=depth)
    page.left_out[f"output {head}"] = None
    return ""


def _text_of(item: object) -> str:
    if isinstance(item, Mapping):
        parts = [item.get(name) for name in ("title", "heading", "name", "text", "content", "description")]
        return ": ".join(" ".join(str(part).split()) for part in parts if part)
    return " ".join(str(item).split()) if isinstance(item, str | int | float) else ""


def _drop_blocks(text: str, page: _Page) -> str:
    """Drop conditions and loops, the innermost first."""
    while found := _BLOCK.search(text):
        page.left_out[f"{found.group(1)} block"] = None
        text = text[: found.start()] + text[found.end() :]
    return text


def _drop_tag(found: re.Match[str], page: _Page) -> str:
    name = found.group(1)
    if not name.startswith("end"):
        page.left_out[f"tag {name}"] = None
    return ""


def _capture(found: re.Match[str], page: _Page) -> str:
    page.captured[found.group(1)] = found.group(2)
    return ""


def _assign(found: re.Match[str], page: _Page) -> str:
    page.captured[found.group(1)] = found.group(2)[1:-1]
    return ""


def _keep_raw(found: re.Match[str], page: _Page) -> str:
    page.raw.append(found.group(1))
    return _raw_mark(len(page.raw) - 1)


def _keep_code(text: str, page: _Page) -> str:
    parts: list[str] = []
    position = 0
    for start, end in find_code(text):
        parts.append(text[position:start])
        code = text[start:end]
        if "{{" in code or "{%" in code:
            page.raw.append(code)
            code = _raw_mark(len(page.raw) - 1)
        parts.append(code)
        position = end
    return "".join([*parts, text[position:]])


def _raw_mark(number: int) -> str:
    # Control characters never occur in an article, so that this stands for nothing else.
    return f"\x01{number}\x02"
