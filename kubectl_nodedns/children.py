"""The environment of programs that we start. Imports the standard library only.

A PyInstaller bundle prepends its own libraries to LD_LIBRARY_PATH (DYLD_LIBRARY_PATH on macOS) and
keeps the old value beside it; a child that inherits it loads the wrong libraries.
"""

from __future__ import annotations

import os
import sys

LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def environment_of_child() -> dict[str, str]:
    """Return our environment as it was before a frozen build changed it."""
    environment = dict(os.environ)
    for name in LIBRARY_PATHS:
        original = environment.pop(f"{name}_ORIG", None)
        if original is not None:
            environment[name] = original
        elif getattr(sys, "frozen", False):
            environment.pop(name, None)
    return environment
