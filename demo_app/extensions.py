"""The shop's other extensions. The factory initializes them for the app."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool

# Connections to SQLite need no pool. A pool would keep the file open between requests.
db = SQLAlchemy(engine_options={"poolclass": NullPool})
