"""The settings for development. Environment variables such as FLASK_SECRET_KEY override them."""

SECRET_KEY = "for development only"
SQLALCHEMY_DATABASE_URI = "sqlite:///shop.sqlite3"
CACHE_TYPE = "SimpleCache"

#: The host name of the SMTP server. If empty, emails are logged in debug and testing mode.
MAIL_SERVER = ""
MAIL_SENDER = "山野 <hello@shanye.example>"
