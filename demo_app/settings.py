"""The settings of the shop. Environment variables like ``FLASK_XIEBAO_ENV`` override them."""

SQLALCHEMY_DATABASE_URI = "sqlite:///shop.sqlite3"

#: The partner id (渠道账号) and the API key of the shop's account at Xiebao. These values are the
#: example in Xiebao's interface document. In your shop, use the values of your own account.
XIEBAO_PARTNER_ID = "12345"
XIEBAO_API_KEY = "Key"
XIEBAO_ENV = "test"
#: The path of the gateway simulator. Without this setting, entries lead to Xiebao's gateway.
XIEBAO_BASE_URL = "/gateway"
# In your shop, also set ``XIEBAO_MEMBER_SECRET`` before the first member clicks. The demo has no
# member secret, so that QA can see the plain member ids in the gateway URLs.
XIEBAO_LOGIN_VIEW = "auth.login"
#: A regular expression for the text that the shop's own app adds to the User-Agent of its web
#: views.
XIEBAO_APP_USER_AGENT = r"QingyouApp/"
#: The name of the shop, which Flask-Xiebao shows on its own pages.
XIEBAO_TEXTS = {"site.name": {"zh": "轻游旅行", "en": "Qingyou Travel"}}
#: The product code (产品方案代码, ``caseCode``) of the insurance that the order page offers.
TRAVEL_INSURANCE = "QX000000127257"

BABEL_DEFAULT_LOCALE = "zh"
#: With "Strict", browsers would send no session cookie when members return from the payment, so the
#: members would not be logged in.
SESSION_COOKIE_SAMESITE = "Lax"
