"""The shop's Flask extensions except Xiebao. The application factory initializes them."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.pool import NullPool

# Do not pool connections, because a pool would keep the SQLite file open between requests.
db = SQLAlchemy(engine_options={"poolclass": NullPool})
