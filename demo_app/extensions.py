"""The shop's extensions except Xiebao. The factory initializes them."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool

# Connections to SQLite need no pool. A pool would keep the file open between requests.
db = SQLAlchemy(engine_options={"poolclass": NullPool})
