"""The reliability diagram and the risk-coverage curve as one SVG file. Pure."""

from collections.abc import Mapping, Sequence
from html import escape

from knowledge_base.evaluation.measures import Outcome, ReliabilityBin, measure_curve

_SIDE = 360
_MARGIN = 56
_COLOURS = ("#1f5fbf", "#c0561f", "#4c7a34", "#7a3f8f")
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_POINTS_MAX = 400


def draw(reliability: Sequence[ReliabilityBin], curves: Mapping[str, Sequence[Outcome]]) -> str:
    """Draw Baton's stated against true probability, and for each name the share wrong against the share answered."""
    width, height = 2 * (_SIDE + 2 * _MARGIN), _SIDE + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
        _draw_frame(_MARGIN, "Reliability", "stated probability", "share right"),
        _draw_reliability(reliability, _MARGIN),
        _draw_frame(_SIDE + 3 * _MARGIN, "Risk and coverage", "share answered", "share of these wrong"),
    ]
    for number, (name, outcomes) in enumerate(curves.items()):
        parts.append(_draw_curve(name, outcomes, _SIDE + 3 * _MARGIN, number))
    return "\n".join([*parts, "</svg>\n"])


def _place(left: float, x: float, y: float) -> str:
    return f"{left + x * _SIDE:.1f},{_MARGIN + (1 - y) * _SIDE:.1f}"


def _draw_frame(left: int, title: str, below: str, beside: str) -> str:
    middle, bottom = left + _SIDE / 2, _MARGIN + _SIDE
    parts = [
        f'<rect x="{left}" y="{_MARGIN}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#555"/>',
        f'<text x="{middle}" y="{_MARGIN - 14}" text-anchor="middle" font-size="15">{escape(title)}</text>',
        f'<text x="{middle}" y="{bottom + 40}" text-anchor="middle">{escape(below)}</text>',
        f'<text transform="translate({left - 38} {_MARGIN + _SIDE / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(beside)}</text>",
    ]
    for tick in _TICKS:
        x, y = left + tick * _SIDE, bottom - tick * _SIDE
        parts.append(f'<path d="M{x:.1f} {bottom}v5M{left} {y:.1f}h-5" stroke="#555"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">{tick:.1f}</text>')
        parts.append(f'<text x="{left - 9}" y="{y + 4:.1f}" text-anchor="end">{tick:.1f}</text>')
    return "\n".join(parts)


def _draw_reliability(bins: Sequence[ReliabilityBin], left: int) -> str:
    total = sum(bin_.questions for bin_ in bins) or 1
    parts = [f'<path d="M{_place(left, 0, 0)}L{_place(left, 1, 1)}" stroke="#999" stroke-dasharray="4"/>']
    points = [_place(left, bin_.probability, bin_.right) for bin_ in bins]
    parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{_COLOURS[0]}" stroke-width="2"/>')
    for bin_, point in zip(bins, points, strict=True):
        x, y = point.split(",")
        radius = 3 + 12 * (bin_.questions / total) ** 0.5
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{_COLOURS[0]}" fill-opacity="0.5">'
            f"<title>{bin_.questions} questions</title></circle>"
        )
    return "\n".join(parts)


def _draw_curve(name: str, outcomes: Sequence[Outcome], left: int, number: int) -> str:
    curve = measure_curve(outcomes)
    kept = curve[:: max(1, len(curve) // _POINTS_MAX)] + curve[-1:]
    points = " ".join(_place(left, share, wrong) for share, wrong in kept)
    colour, y = _COLOURS[number % len(_COLOURS)], _MARGIN + 20 + 18 * number
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<path d="M{left + 14} {y - 4}h22" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{left + 42}" y="{y}">{escape(name)}</text>'
    )
