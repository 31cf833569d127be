"""The settings for development; in production, FLASK_SECRET_KEY and the like replace them."""

SECRET_KEY = "for development only"
SQLALCHEMY_DATABASE_URI = "sqlite:///shop.sqlite3"
CACHE_TYPE = "SimpleCache"

#: Where mails are handed over; with debug, an empty one writes them into the log.
MAIL_SERVER = ""
MAIL_SENDER = "山野 <hello@shanye.example>"
