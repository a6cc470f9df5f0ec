"""SVG by our own small code: elements whose every attribute and text is escaped."""

from __future__ import annotations

from markupsafe import Markup, escape

from sre_copilot.incidents.report.clean import visible


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Write an element; text children and attributes are escaped, `None` drops an attribute, `_` becomes `-`."""
    written = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else escape(visible(child)) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>" if inside else f"<{name}{written}/>")  # noqa: S704 -- escaped above


def path(points: list[tuple[float, float]]) -> str:
    """Write a polyline as path data."""
    return "".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))


def _text(value: str | float) -> str:
    return visible(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
