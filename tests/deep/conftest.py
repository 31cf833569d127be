"""The browser of ``tests/browser``, for what is looked at more rarely."""

from tests.browser.conftest import chrome

__all__ = ["chrome"]
