"""Where in a site's own files an error came from, without what it says: that may be private."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

_NOT_THE_SITES = (
    "<",  # what libraries make of text as they run
    *(
        f"{folder}{os.sep}"
        for folder in (
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            Path(__file__).parents[1],
        )
    ),
)


def place_of(error: BaseException, otherwise: str = "a hook") -> str:
    """Return the innermost place of an error in the site's own files, else in any.

    :param otherwise: what is said of an error that has no place.
    """
    places = list(traceback.walk_tb(error.__traceback__))
    return place_in_site(error) or (_named(*places[-1]) if places else otherwise)


def place_in_site(error: BaseException) -> str | None:
    """Return the innermost place of an error in the site's own files, or None."""
    places = [
        place
        for place in traceback.walk_tb(error.__traceback__)
        if not _file(place[0]).startswith(_NOT_THE_SITES)
    ]
    here = [place for place in places if _file(place[0]).startswith(_here())]
    innermost = (here or places)[-1:]
    return _named(*innermost[0]) if innermost else None


def _named(frame: FrameType, line: int) -> str:
    return f"{frame.f_code.co_name} ({_file(frame).removeprefix(_here())}:{line})"


def _here() -> str:
    return f"{os.getcwd()}{os.sep}"


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename
