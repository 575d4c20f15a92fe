"""Hugo's shortcodes in a help article, resolved as far as the article itself can tell.

Notes become callouts, tabs and their like keep their names, references become links, figures become images. What
would need the site's templates keeps the text between its tags and is reported.
"""

import re

from knowledge_base.importing.components import CALLOUTS, indent_at, write_callout, write_titled

_PAIRED = re.compile(
    r"\{\{(?P<open>[<%])\s*(?P<name>[\w/-]+)(?P<arguments>(?:(?!\{\{|\}\}).)*?)[>%]\}\}"
    r"(?P<inner>(?:(?!\{\{[<%]).)*?)"
    r"\{\{[<%]\s*/\s*(?P=name)\s*[>%]\}\}",
    re.S,
)
_SINGLE = re.compile(r"\{\{[<%]\s*(?P<name>/?[\w/-]+)(?P<arguments>(?:(?!\{\{|\}\}).)*?)/?\s*[>%]\}\}", re.S)
_ESCAPED = re.compile(r"\{\{([<%])/\*(.*?)\*/([>%])\}\}", re.S)
_ARGUMENT = re.compile(r"(?:([\w-]+)=)?(\"[^\"]*\"|'[^']*'|`[^`]*`|[^\s\"'`=]+)")
_TITLED = {"accordion", "accordion-item", "card", "collapse", "details", "expand", "step", "tab", "tab-item", "tabitem"}
# They say nothing themselves, so that nothing is lost when they go.
_CONTAINERS = {"accordions", "cards", "columns", "steps", "tabpane", "tabs"}
# Shortcodes stand within each other two or three deep; more is a loop or a trick.
_DEPTH_MAX = 10


def resolve_shortcodes(markdown: str) -> tuple[str, tuple[str, ...]]:
    """Return the text without shortcodes, and the names of those that could not be resolved."""
    if "{{<" not in markdown and "{{%" not in markdown:
        return markdown, ()
    left_out: dict[str, None] = {}
    escaped: list[str] = []

    def keep(found: re.Match[str]) -> str:
        escaped.append(f"{{{{{found.group(1)}{found.group(2)}{found.group(3)}}}}}")
        return f"\x03{len(escaped) - 1}\x04"

    text = _ESCAPED.sub(keep, markdown)
    for _ in range(_DEPTH_MAX):
        changed = _PAIRED.sub(lambda found: _resolve_pair(found, left_out), text)
        if changed == text:
            break
        text = changed
    text = _SINGLE.sub(lambda found: _resolve_single(found, left_out), text)
    return re.sub(r"\x03(\d+)\x04", lambda found: f"{{% raw %}}{escaped[int(found[1])]}{{% endraw %}}", text), tuple(
        left_out
    )


def _resolve_pair(found: re.Match[str], left_out: dict[str, None]) -> str:
    name, inner = found["name"].lower(), found["inner"].strip("\n")
    places, named = _read_arguments(found["arguments"])
    indent = indent_at(found.string, found.start())
    title = next((named[key] for key in ("title", "header", "name", "label", "summary") if named.get(key)), "")
    if name in CALLOUTS:
        kind = next((named[key].lower() for key in ("type", "kind", "level", "color") if key in named), "")
        kind = kind or next((place.lower() for place in places if place.lower() in CALLOUTS), name)
        return write_callout(kind, named.get("title", ""), found["inner"], indent=indent)
    if name in _TITLED:
        address = named.get("link") or named.get("href") or ""
        return write_titled(title or next(iter(places), ""), found["inner"], address=address, indent=indent)
    if name == "highlight":
        return f"\n\n```{places[0] if places else ''}\n{inner}\n```\n\n"
    if name not in _CONTAINERS:
        left_out[f"shortcode {name}"] = None
    return f"\n\n{inner}\n\n" if "\n" in inner else inner


def _resolve_single(found: re.Match[str], left_out: dict[str, None]) -> str:
    name = found["name"].lower()
    places, named = _read_arguments(found["arguments"])
    if name in ("ref", "relref") and places:
        return places[0]
    if name in ("figure", "img", "image") and "src" in named:
        words = named.get("alt") or named.get("caption") or named.get("title") or ""
        return f"![{words}]({named['src']})"
    if name == "youtube" and (places or "id" in named):
        return f"<https://www.youtube.com/watch?v={named.get('id') or places[0]}>"
    left_out[f"shortcode {name}"] = None
    return ""


def _read_arguments(text: str) -> tuple[list[str], dict[str, str]]:
    places: list[str] = []
    named: dict[str, str] = {}
    for name, value in _ARGUMENT.findall(text):
        plain = value[1:-1] if value[:1] in "\"'`" and len(value) > 1 else value
        if name:
            named[name.lower()] = plain
        else:
            places.append(plain)
    return places, named
