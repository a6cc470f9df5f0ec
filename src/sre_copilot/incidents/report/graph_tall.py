"""The topology for a narrow screen: one entity a row, callers above callees, calls as arcs on the left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from sre_copilot.incidents.report.graph import (
    ARROW,
    BOX_HEIGHT,
    COLUMNS_OF_TEXT,
    box,
    described,
    frame,
)
from sre_copilot.incidents.report.model import Drawing, Language, Link
from sre_copilot.incidents.report.svg import element

WIDTH, MARGIN, ROW = 340, 12, 44
LEFT, BOX_WIDTH = 84, 244  # 84 px hold the longest arc; the width of the smallest phones holds the whole
STEP, NEAREST = 5.0, 12.0  # an arc reaches the farther out, the more rows it passes


def tall(drawing: Drawing, lang: Language, *, key: str) -> Markup:
    """Draw the topology for a narrow screen; `key` makes its ids unique on the page."""
    nodes = sorted(drawing.nodes, key=lambda node: (node.layer, node.row, node.entity))
    tops = {node.entity: MARGIN + at * float(ROW) for at, node in enumerate(nodes)}
    height = MARGIN * 2 + max(0, len(nodes) - 1) * ROW + BOX_HEIGHT
    links = sorted(drawing.links, key=lambda link: (link.on_path, link.caller, link.callee))
    parts = [
        *(part for link in links for part in _arc(link, tops)),
        *(
            box(node, lang, place=(LEFT, tops[node.entity]), width=BOX_WIDTH, room=COLUMNS_OF_TEXT + 9)
            for node in nodes
        ),
    ]
    return frame(parts, size=(WIDTH, height), title=described(drawing, lang), key=key)


def _arc(link: Link, tops: Mapping[str, float]) -> Iterator[Markup]:
    shade = "call" + (" on-path" if link.on_path else "") + (" back" if link.back else "")
    start, end = tops[link.caller] + BOX_HEIGHT * 0.68, tops[link.callee] + BOX_HEIGHT * 0.32
    reach = min(LEFT - 4.0, (NEAREST + STEP * abs(end - start) / ROW) * 4 / 3)  # a cubic bends by 3/4
    data = f"M{LEFT} {start:.1f}C{LEFT - reach:.1f} {start:.1f} {LEFT - reach:.1f} {end:.1f} {LEFT - ARROW} {end:.1f}"
    yield element("path", d=data, class_=shade)
    yield element("path", d=f"M{LEFT} {end:.1f}l-{ARROW} -4v8z", class_=f"{shade} head")
