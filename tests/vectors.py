"""Example notifications of each type and an order query, with their signatures.

Public clients for gateways of the same family use this format, too. The API key is ``Key`` and the
partner id is ``12345``, as in the interface document's example.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

#: The name of the person in the notifications and orders. Logs must not contain this name.
NAME = "林晓"
APPLIED = (
    b'{"notifyType":1,"sign":"701dd128eae24ce8241354fcd2f9981a","data":{"partnerId":12345,'
    b'"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    b'"state":true}}'
)
PAID = (
    b'{"notifyType":2,"sign":"06daba5d0f4d969b0cbe5cb5ca748fb7","data":{"partnerId":12345,'
    b'"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    b'"state":true,"payTime":"2019-02-26 10:20:30","price":1500,"onlinePaymentId":"21"}}'
)
NOT_PAID = (
    '{"notifyType":2,"sign":"6c224a4515fb357599b0b644ab267191","data":{"partnerId":12345,'
    '"partnerUniqueKey":"101000","insureNum":"20190226020147","caseCode":"QX000000127257",'
    '"state":false,"failMsg":"余额不足","price":0}}'
).encode()
ISSUED = (
    '{"notifyType":3,"sign":"d5f3ce0682cf27b3ea694b94bd0cbfb8","data":{"partnerId":12345,'
    '"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    '"state":true,"policys":[{"productId":1042,"productName":"境内旅行意外险","planId":1153,'
    '"planName":"计划一","applicant":"林晓","insurant":"林晓","startDate":"2019-03-01",'
    '"endDate":"2019-03-05","policyNum":"P10042019030100001"}]}}'
).encode()
SURRENDERED = (
    '{"notifyType":4,"sign":"74b3ce4a8b936b6a1955b2329b014b8f","data":{"partnerId":12345,'
    '"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    '"state":true,"cancelInsurants":["林晓"]}}'
).encode()
REISSUED = (
    b'{"notifyType":5,"sign":"929a579849c043f45b442cfc2dff7e59","data":{"partnerId":12345,'
    b'"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    b'"state":true,"newInsureNum":"20190226020199"}}'
)
POLICY_FILE = (
    b'{"notifyType":9,"sign":"701dd128eae24ce8241354fcd2f9981a","data":{"partnerId":12345,'
    b'"partnerUniqueKey":"101000","insureNum":"20190226020146","caseCode":"QX000000127257",'
    b'"state":true}}'
)
VECTORS = [APPLIED, PAID, NOT_PAID, ISSUED, SURRENDERED, REISSUED, POLICY_FILE]

QUERY = b'{"transNo":"12345-20190226102030000001","partnerId":12345,"insureNum":"20190226020146"}'
SIGN_OF_QUERY = "88fc3b6caf661ca5bee8b2ab51c16a8b"


def compute_sign(text: str | bytes, key: str = "Key") -> str:
    """Return the gateway's signature of a text, computed without the extension."""
    text = text if isinstance(text, bytes) else text.encode()
    return hashlib.md5(key.encode() + text, usedforsecurity=False).hexdigest()


def build_notification(kind: Any = 1, data: Any = None, key: str = "Key", **fields: Any) -> bytes:
    """Return the body of a notification, with a valid signature.

    :param kind: the ``notifyType``.
    :param data: the data as JSON text, or as a dict. By default, the data of :data:`APPLIED`.
    :param fields: fields of the data to add or to change. The value ``...`` removes a field.
    """
    if not isinstance(data, str):
        original = json.loads(APPLIED)["data"] if data is None else data
        fields = {**original, **fields}
        fields = {name: value for name, value in fields.items() if value is not ...}
        data = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    sign = compute_sign(data, key)
    return f'{{"notifyType":{json.dumps(kind)},"sign":"{sign}","data":{data}}}'.encode()
