"""The settings of the shop. Environment variables such as ``FLASK_XIEBAO_ENV`` replace them."""

SQLALCHEMY_DATABASE_URI = "sqlite:///shop.sqlite3"

#: The account at Xiebao (渠道账号) and its key. These are the example in the interface document.
XIEBAO_PARTNER_ID = "12345"
XIEBAO_API_KEY = "Key"
XIEBAO_ENV = "test"
#: The path of the simulator. In production, leave this setting out.
XIEBAO_BASE_URL = "/gateway"
# In your shop, also set XIEBAO_MEMBER_SECRET before the first member clicks. The demo has no such
# secret, so that QA finds the plain member ids in the gateway URLs.
XIEBAO_LOGIN_VIEW = "auth.login"
#: The text that the shop's own app adds to the User-Agent of its web views.
XIEBAO_APP_USER_AGENT = r"QingyouApp/"
#: The name of the shop on the extension's own pages.
XIEBAO_TEXTS = {"site.name": {"zh": "轻游旅行", "en": "Qingyou Travel"}}
#: The product code of the insurance on the order page (产品方案代码, caseCode).
TRAVEL_INSURANCE = "QX000000127257"

BABEL_DEFAULT_LOCALE = "zh"
#: With "Strict", members would be logged out when they return from the payment.
SESSION_COOKIE_SAMESITE = "Lax"
