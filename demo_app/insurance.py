"""Insurance from Xiebao (携保): the extension, and a simulator of Xiebao's gateway."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from flask_xiebao import Xiebao
from flask_xiebao.testing import GatewaySimulator

xiebao = Xiebao()


def add_simulator(app: Flask) -> None:
    """Add a gateway simulator, which sells no real insurance and takes no money."""
    simulator = GatewaySimulator(
        app.config["XIEBAO_PARTNER_ID"],
        app.config["XIEBAO_API_KEY"],
        # The simulator must accept the parameters of XIEBAO_EXTRA, although the interface document
        # does not list them.
        also_known=app.config.get("XIEBAO_EXTRA") or (),
        # Store the orders in a file, so that they are still there after a restart of the server.
        orders=Path(app.instance_path) / "gateway.sqlite3",
    )
    app.register_blueprint(simulator.blueprint, url_prefix=app.config["XIEBAO_BASE_URL"])
