"""A small font with just the letters that are written, in outlines that every reader of PDF knows."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sre_copilot.errors import UsageError

SIMPLIFIED = 2  # the face of a Noto CJK collection that has the Chinese forms; the only one elsewhere is 0
ERROR = 1.0  # units of a thousand by which a curve may be missed


def letters_of(font: Path, text: str, target: Path) -> Path:
    """Write a TrueType font with the letters of a text.

    Raises
    ------
    UsageError : when fonttools, which fpdf2 brings, is missing
    """
    try:
        library, subset = import_module("fontTools.ttLib"), import_module("fontTools.subset")
    except ImportError:
        raise UsageError("fpdf2 is missing, which writes the documents; install it with pip") from None
    face = 0
    if font.suffix == ".ttc":
        with library.TTCollection(str(font), lazy=True) as collection:
            face = min(SIMPLIFIED, len(collection.fonts) - 1)
    taken = library.TTFont(str(font), fontNumber=face, lazy=True)
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, drop_tables=["GPOS", "GSUB", "BASE", "VORG"]
    )
    cut = subset.Subsetter(options)
    cut.populate(text=text + " .…")
    cut.subset(taken)
    if "CFF " in taken:
        _to_truetype(taken, library)
    taken.save(str(target))
    return target


def _to_truetype(font: object, library: object) -> None:
    """Replace cubic outlines by quadratic ones: an embedded font of the other kind hides its text from pdfminer."""
    pens, glyphs = import_module("fontTools.pens.cu2quPen"), import_module("fontTools.pens.ttGlyphPen")
    order, shapes, drawn = font.getGlyphOrder(), font.getGlyphSet(), {}  # type: ignore[attr-defined]
    for name in order:
        pen = glyphs.TTGlyphPen(None)
        shapes[name].draw(pens.Cu2QuPen(pen, ERROR, reverse_direction=True))
        drawn[name] = pen.glyph()
    font["loca"] = library.newTable("loca")  # type: ignore[index,attr-defined]
    font["glyf"] = table = library.newTable("glyf")  # type: ignore[index,attr-defined]
    table.glyphOrder, table.glyphs = order, drawn
    del font["CFF "]  # type: ignore[attr-defined]
    font["maxp"].tableVersion = 0x00010000  # type: ignore[index]
    for key in ("maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements", "maxSizeOfInstructions", "maxComponentElements", "maxComponentDepth", "maxPoints", "maxContours", "maxCompositePoints", "maxCompositeContours"):  # fmt: skip
        setattr(font["maxp"], key, 1 if key == "maxZones" else 0)  # type: ignore[index]
    font["post"].formatType = 3.0  # type: ignore[index]
    font.sfntVersion = "\x00\x01\x00\x00"  # type: ignore[attr-defined]
