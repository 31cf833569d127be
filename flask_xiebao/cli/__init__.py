"""The ``flask xiebao`` commands: ``doctor``, ``check``, ``link``, ``inspect`` and others.

The ``flask.commands`` entry point registers the group for the ``flask`` command. ``init_app`` also
adds it to ``app.cli``, because ``app.test_cli_runner()`` finds only the commands there.
"""

from .commands import xiebao as xiebao
