"""A travel shop that sells insurance: the demo of Flask-Xiebao.

To add insurance to your own shop, copy from these files, in this order:

- ``settings.py``: the settings of the extension
- ``insurance.py``: the extension, and the simulator of Xiebao's gateway
- ``create_app`` below: the order in which an application factory initializes the extensions
- ``auth.py``: the member loader, and the login that the extension redirects to
- ``policies.py``: the members' policies and clicks, in the shop's own database
- ``shop.py``, ``templates/shop/``: the pages with cards, buttons and links
- ``reports.py``: the clicks and the sales of a period, which the console for QA shows

Your shop probably has its own version of these files. The files above need them:

- ``extensions.py``: the database
- ``languages.py``: the languages of the pages, and the variables of the language switch
- ``errors.py``: the error pages
- ``demo_setup.py``: the example account, the secret key, the tables, and variables of the footer

The other files are only for the demo:

- ``qa/``, ``templates/qa/``, ``templates/widgets/``: the console for QA and the component catalog
- ``templates/xiebao/``: a hint on the handoff page for a demo that runs on your computer
- ``logs.py``: the access log without the signatures of the simulated gateway
"""

from __future__ import annotations

from flask import Flask, Response

from flask_xiebao import entry_clicked

from . import auth, demo_setup, errors, languages, qa, settings, shop
from .extensions import db
from .insurance import add_simulator, xiebao


def create_app(instance_path: str | None = None) -> Flask:
    """Create the shop, and return the app.

    Without any configuration, insurance entries lead to a gateway simulator at ``/gateway``. With
    ``FLASK_XIEBAO_PARTNER_ID``, ``FLASK_XIEBAO_API_KEY`` and ``FLASK_XIEBAO_ENV`` in the
    environment, they lead to Xiebao's test or production gateway. The pages are in Chinese until
    the visitor chooses English. With ``FLASK_BABEL_DEFAULT_LOCALE=en``, they begin in English.

    :param instance_path: The absolute path of the folder for the secret key and the databases. The
        default is the folder ``instance`` beside this package.
    :raises ConfigError: if a setting is wrong, or if only one of the partner id and the API key is
        set.
    """
    app = Flask(__name__, instance_path=instance_path)
    app.config.from_object(settings)
    app.config.from_prefixed_env()
    demo_setup.init_app(app)

    db.init_app(app)
    languages.init_app(app)
    xiebao.init_app(app)
    if app.config.get("XIEBAO_BASE_URL", "").startswith("/"):
        add_simulator(app)
    entry_clicked.connect(shop.store_click, app)

    app.register_blueprint(auth.pages)
    app.register_blueprint(shop.pages)
    errors.init_app(app)
    app.after_request(add_content_security_policy)
    qa.init_app(app)
    demo_setup.create_tables(app)
    return app


def add_content_security_policy(response: Response) -> Response:
    """Allow only the site's own scripts, styles and images. The extension needs nothing else."""
    policy = "default-src 'self'; frame-ancestors 'self'"
    response.headers.setdefault("Content-Security-Policy", policy)
    return response
