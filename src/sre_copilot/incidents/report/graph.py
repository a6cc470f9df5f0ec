"""The topology as inline SVG: layers of callers and callees, suspects and causal path marked by more than colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from markupsafe import Markup

from sre_copilot.incidents.report.clean import shorten
from sre_copilot.incidents.report.model import Drawing, Language, Link, Node
from sre_copilot.incidents.report.svg import element
from sre_copilot.incidents.report.words import Said, word

BOX_WIDTH, BOX_HEIGHT = 172, 34
COLUMN, ROW = 238, 52
MARGIN = 16
COLUMNS_OF_TEXT = 19  # fixed-width equivalents that fit into a box at 12.5 px
ARROW = 7


def graph(drawing: Drawing, lang: Language, *, key: str) -> Markup:
    """Draw the topology; `key` makes its ids unique on the page."""
    layers = max((node.layer for node in drawing.nodes), default=0)
    rows = max((max(row for _, row in link.points) for link in drawing.links), default=0.0)
    rows = max(rows, max((node.row for node in drawing.nodes), default=0.0))
    width = MARGIN * 2 + layers * COLUMN + BOX_WIDTH
    height = MARGIN * 2 + rows * ROW + BOX_HEIGHT
    links = sorted(drawing.links, key=lambda link: (link.on_path, link.caller, link.callee))
    parts = [
        *(part for link in links for part in _arrow(link)),
        *(box(node, lang, place=_place(node.layer, node.row)) for node in drawing.nodes),
    ]
    style = f"max-width:{width}px;min-width:{min(width, 940)}px"
    return frame(parts, size=(width, height), title=described(drawing, lang), key=key, style=style)


def frame(
    parts: Iterable[Markup], *, size: tuple[float, float], title: str, key: str, style: str | None = None
) -> Markup:
    """Put a drawing's parts into an SVG of a size, with the words that describe it."""
    return element(
        "svg",
        element("title", title, id=f"{key}-title"),
        *parts,
        viewBox=f"0 0 {size[0]:.0f} {size[1]:.0f}",
        role="img",
        aria_labelledby=f"{key}-title",
        class_="graph",
        style=style,
    )


def described(drawing: Drawing, lang: Language) -> str:
    """Say in words what the drawing shows."""
    on_path = [node.entity for node in drawing.nodes if node.role in ("culprit", "path")]
    if not on_path:
        return word("topology.described.plain", lang, entities=drawing.entities)
    names = Said(word("list.and", lang).join(shorten(name, 60) for name in on_path))
    return word("topology.described", lang, entities=drawing.entities, path=names)


def _place(layer: float, row: float) -> tuple[float, float]:
    return MARGIN + layer * COLUMN, MARGIN + row * ROW


def _arrow(link: Link) -> Iterator[Markup]:
    shade = "call on-path" if link.on_path else "call"
    if link.back:
        shade += " back"
    points = [_place(*point) for point in link.points]
    (left, top), (to_left, to_top) = points[0], points[-1]
    middle = BOX_HEIGHT / 2
    if link.back:  # below both boxes, so that it is not mistaken for a forward call
        low = max(top, to_top) + BOX_HEIGHT + 12
        start, end = left + BOX_WIDTH / 2, to_left + BOX_WIDTH / 2
        yield element(
            "path",
            d=f"M{start:.1f} {top + BOX_HEIGHT:.1f}C{start:.1f} {low:.1f} {end:.1f} {low:.1f} {end:.1f} {to_top + BOX_HEIGHT + ARROW:.1f}",
            class_=shade,
        )
        yield element("path", d=f"M{end:.1f} {to_top + BOX_HEIGHT:.1f}l-4 {ARROW}h8z", class_=f"{shade} head")
        return
    here = (left + BOX_WIDTH, top + middle)
    data = f"M{here[0]:.1f} {here[1]:.1f}"
    for x, y in points[1:-1]:
        data += _curve(here, (x, y + middle)) + f"h{BOX_WIDTH}"
        here = (x + BOX_WIDTH, y + middle)
    end_at = (to_left - ARROW, to_top + middle)
    yield element("path", d=data + _curve(here, end_at), class_=shade)
    yield element("path", d=f"M{to_left:.1f} {end_at[1]:.1f}l-{ARROW} -4v8z", class_=f"{shade} head")


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    bend = (end[0] - start[0]) / 2
    return f"C{start[0] + bend:.1f} {start[1]:.1f} {end[0] - bend:.1f} {end[1]:.1f} {end[0]:.1f} {end[1]:.1f}"


def box(
    node: Node,
    lang: Language,
    *,
    place: tuple[float, float],
    width: float = BOX_WIDTH,
    room: int = COLUMNS_OF_TEXT,
) -> Markup:
    """Draw an entity with its rank and alert; `room` is what the box holds in fixed-width columns."""
    left, top = place
    centre = left + width / 2 + (10 if node.rank else 0)
    room -= 4 if node.rank else 0
    parts = [
        element("title", node.entity),
        element("rect", x=left, y=top, width=width, height=BOX_HEIGHT, rx=7, class_="box"),
        element("text", shorten(node.entity, room), x=centre, y=top + 21.5, text_anchor="middle"),
    ]
    if node.rank:
        parts.append(element("circle", cx=left + 17, cy=top + 17, r=9.5, class_="rank"))
        parts.append(
            element(
                "text", str(node.rank), x=left + 17, y=top + 21.2, text_anchor="middle", class_="rank-name"
            )
        )
    if node.alerted:
        label = word("role.alerted", lang)
        parts.append(element("path", d=f"M{left + width - 9:.1f} {top - 9:.1f}l9 16h-18z", class_="alerted"))
        parts.append(
            element("text", "!", x=left + width - 9, y=top + 5, text_anchor="middle", class_="alerted-name")
        )
        parts[0] = element("title", f"{node.entity} ({label})")
    return element("g", *parts, class_=f"node {node.role}")
