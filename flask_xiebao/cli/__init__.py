"""The command line: ``flask xiebao doctor``, ``check``, ``link``, ``inspect`` and others.

The ``flask.commands`` entry point registers it. ``init_app`` adds it to ``app.cli``, too, which is
what ``app.test_cli_runner()`` knows.
"""

from .commands import xiebao as xiebao
