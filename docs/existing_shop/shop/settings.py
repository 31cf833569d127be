"""The settings for development. Environment variables such as FLASK_SECRET_KEY override them."""

SECRET_KEY = "for development only"
SQLALCHEMY_DATABASE_URI = "sqlite:///shop.sqlite3"
CACHE_TYPE = "SimpleCache"

#: The host name of the SMTP server. If the name is empty in debug mode, emails are logged.
MAIL_SERVER = ""
MAIL_SENDER = "山野 <hello@shanye.example>"
