"""`re` over lazy texts: what it says is what it says of a str.

functions  what takes the place of the functions of `re`, and of compiled patterns
search     all matches of a pattern in a text, in order
windows    finding them by `re` itself in parts of the text
elsewhere  finding them by a module, on the host: in its own language
match      LazyMatch: what a match answers
widths     how far a pattern looks
"""

from .functions import install, is_installed

__all__ = ["install", "is_installed"]
