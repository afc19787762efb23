"""Themes of ours, beside Textual's own: colours that colour-blind people can tell apart.

The colours are those of Okabe and Ito ("Color Universal Design", 2008): good is blue, worth a look
is orange, bad is vermilion; no pair of them differs by red and green alone.
"""

from __future__ import annotations

from textual.theme import Theme

BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE = (
    "#0072b2",
    "#56b4e9",
    "#009e73",
    "#e69f00",
    "#d55e00",
    "#cc79a7",
)
COLOUR_BLIND_DARK = Theme(
    name="colour-blind-dark",
    primary=BLUE,
    secondary=PURPLE,
    accent=SKY,
    success=SKY,
    warning=ORANGE,
    error=VERMILION,
    foreground="#e8e8e8",
    background="#101418",
    surface="#181d22",
    panel="#222930",
    dark=True,
)
COLOUR_BLIND_LIGHT = Theme(
    name="colour-blind-light",
    primary=BLUE,
    secondary=PURPLE,
    accent=BLUE,
    success=BLUE,
    warning="#8a5f00",
    error="#a84300",
    foreground="#1b1b1b",
    background="#fafafa",
    surface="#f0f0f0",
    panel="#e2e6ea",
    dark=False,
)
THEMES = (COLOUR_BLIND_DARK, COLOUR_BLIND_LIGHT)
SHORT = {
    "dark": "textual-dark",
    "light": "textual-light",
    "ansi": "ansi-dark",
    "ansi-light": "ansi-light",
    "colour-blind": COLOUR_BLIND_DARK.name,
    "colour-blind-light": COLOUR_BLIND_LIGHT.name,
}
"""Names by which `--theme` calls them."""
