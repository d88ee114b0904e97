"""Who gets an answer, with which status, and what the trace says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.digest import authorization, choose, parse_challenges
from proxyd.onvif.authentication import Grant
from proxyd.onvif.dispatch import MAX_CACHED_ANSWERS, SERVICE_PATHS
from proxyd.onvif.exchange import Call, Reply
from proxyd.onvif.namespaces import ENV11, ENV12, PREFIXES, clark
from proxyd.onvif.services.operation import Access
from proxyd.onvif.services.registry import offered
from proxyd.onvif.soap import MAX_REQUEST_BYTES

from .builders import NOW, PASSWORD, PATHS, USERNAME, Camera, body_of, fault_of, soap, texts, username_token
from .schemas import Validator

_OPEN = {
    "GetServices",
    "GetServiceCapabilities",
    "GetCapabilities",
    "GetSystemDateAndTime",
    "GetWsdlUrl",
    "GetHostname",
    "GetEndpointReference",
    "GetRelayOutputOptions",
}


def test_exactly_the_pre_auth_operations_are_open(camera: Camera) -> None:
    prefixes = {PREFIXES[prefix]: prefix for prefix in PATHS}
    for service in offered(camera.spec):
        for (namespace, name), operation in service.operations.items():
            reply = camera.ask(f"{prefixes[namespace]}:{name}", header="")
            assert (operation.access is Access.PRE_AUTH) == (name in _OPEN)
            assert reply.status == (200 if name in _OPEN else 401), name


def test_open_operations_ignore_a_wrong_token(camera: Camera) -> None:
    wrong_clock = username_token(created="2017-01-01T00:00:00Z")
    assert camera.ask("tds:GetSystemDateAndTime", header=wrong_clock).ok


def test_without_credentials_a_digest_challenge_with_a_fault_body(camera: Camera, validator: Validator) -> None:
    reply = camera.ask("trt:GetProfiles", header="")
    assert reply.status == 401
    schemes = [(c.scheme, c.algorithm) for c in parse_challenges(value for _, value in reply.headers)]
    assert schemes == [("Digest", "SHA-256"), ("Digest", "MD5")]
    assert fault_of(reply)[:2] == ("env:Sender", ["ter:NotAuthorized"])
    validator.body(reply.body)
    assert (reply.operation, reply.ok, reply.reason) == (
        "GetProfiles",
        True,
        "asked for user name and password",
    )


def test_an_empty_request_is_challenged_as_libcurl_expects(camera: Camera, validator: Validator) -> None:
    reply = camera.send(b"", PATHS["tds"])
    assert (reply.status, reply.ok, reply.operation) == (401, True, "device_service")
    assert [name for name, _ in reply.headers] == ["WWW-Authenticate"] * 2
    validator.body(reply.body)
    answered = camera.send(b"", PATHS["tds"], authorization="Digest username=x")
    assert answered.status == 400, "then there has to be something in it"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (username_token(password="other"), "wrong password"),
        (username_token(username="admin"), "unknown user name"),
        (username_token(created=(NOW + timedelta(hours=7, minutes=2)).isoformat()), "clock differs by 7 h 02 min"),
    ],
)
def test_bad_token_is_400_not_authorized_and_traced(camera: Camera, header: str, reason: str) -> None:
    reply = camera.ask("trt:GetProfiles", header=header)
    assert reply.status == 400
    assert fault_of(reply)[:2] == ("env:Sender", ["ter:NotAuthorized"])
    assert reason in reply.reason
    assert reason not in fault_of(reply)[2].replace("wrong user name, password or clock", "")
    assert reply.auth == "UsernameToken"


def test_replayed_request_is_refused(camera: Camera) -> None:
    request = soap("trt:GetProfiles")
    assert camera.send(request, PATHS["trt"]).ok
    assert "used before" in camera.send(request, PATHS["trt"]).reason


def _digest(camera: Camera, algorithm: str, password: str = PASSWORD) -> str:
    refusal = camera.ask("trt:GetProfiles", header="")
    challenges = parse_challenges(value for _, value in refusal.headers)
    challenge = choose(c for c in challenges if c.algorithm == algorithm)
    assert challenge is not None
    return authorization(
        challenge, method="POST", uri=PATHS["trt"], username=USERNAME, password=password, cnonce="c0ffee"
    )


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_http_digest_is_accepted(camera: Camera, algorithm: str) -> None:
    header = _digest(camera, algorithm)
    reply = camera.send(soap("trt:GetProfiles", header=""), PATHS["trt"], authorization=header)
    assert reply.ok
    assert algorithm in reply.auth


def test_wrong_http_digest_is_challenged_again(camera: Camera) -> None:
    header = _digest(camera, "MD5", password="other")
    reply = camera.send(soap("trt:GetProfiles", header=""), PATHS["trt"], authorization=header)
    assert reply.status == 401
    assert reply.reason == "wrong password"
    assert reply.headers


def test_basic_is_no_way_into_soap(camera: Camera) -> None:
    reply = camera.send(soap("trt:GetProfiles", header=""), PATHS["trt"], authorization="Basic b252aWY6a2l3aQ==")
    assert reply.status == 401
    assert "Basic is not accepted" in reply.reason


def test_token_counts_when_http_digest_is_stale(camera: Camera) -> None:
    header = _digest(camera, "MD5", password="other")
    assert camera.send(soap("trt:GetProfiles"), PATHS["trt"], authorization=header).ok


def test_unknown_operation(camera: Camera) -> None:
    for operation in ("trt:GetMoonPhase", "tds:UpgradeSystemFirmware", "tt:GetProfiles"):
        path = PATHS.get(operation[:3], PATHS["tds"])
        reply = camera.send(soap(operation), path)
        code, subcodes, reason = fault_of(reply)
        assert (code, subcodes) == ("env:Receiver", ["ter:ActionNotSupported"])
        assert "not implemented" in reason
        assert not reply.ok


def test_operation_is_taken_from_the_body_not_from_text(camera: Camera) -> None:
    trick = soap("trt:GetProfiles", "<trt:GetSystemDateAndTime/>", header="<tds:GetSystemDateAndTime/>")
    assert camera.send(trick, PATHS["trt"]).status == 401


def _old(request: bytes) -> bytes:
    return request.replace(ENV12.encode(), ENV11.encode())


def test_who_asks_in_soap_1_1_is_answered_in_it(camera: Camera, validator: Validator) -> None:
    modern, old = (camera.send(form(soap("tds:GetServices")), PATHS["tds"]) for form in (bytes, _old))
    root = etree.fromstring(old.body)
    assert root.tag == f"{{{ENV11}}}Envelope"
    assert old.content_type == "text/xml; charset=utf-8"
    validator.schema.validate(root[-1][0])
    told = [[(one.tag, one.text) for one in body_of(reply).iter()] for reply in (old, modern)]
    assert told[0] == told[1]
    assert ENV12.encode() not in old.body


@pytest.mark.parametrize(
    ("operation", "header", "status", "code", "subcode"),
    [
        ("trt:GetMoonPhase", None, 500, "env:Server", "ter:ActionNotSupported"),
        ("trt:GetProfile", None, 500, "env:Client", "ter:InvalidArgs"),
        ("trt:GetProfiles", username_token(password="other"), 500, "env:Client", "ter:NotAuthorized"),
        ("trt:GetProfiles", "", 401, "env:Client", "ter:NotAuthorized"),
    ],
)
def test_faults_of_soap_1_1(
    camera: Camera, operation: str, header: str | None, status: int, code: str, subcode: str
) -> None:
    reply = camera.send(_old(soap(operation, header=header)), PATHS["trt"])
    fault = body_of(reply)
    assert (reply.status, fault.tag) == (status, f"{{{ENV11}}}Fault")
    assert [child.tag for child in fault] == ["faultcode", "faultstring", "detail"]
    assert (fault[0].text, fault.nsmap["env"]) == (code, ENV11)
    assert fault[1].text
    assert fault[2][0].tag == clark(subcode)


@pytest.mark.parametrize(
    ("method", "content_type", "length", "status"),
    [
        ("GET", None, None, 405),
        ("PUT", "application/soap+xml", 3, 405),
        ("POST", "text/plain", 3, 415),
        ("POST", "application/x-www-form-urlencoded", 3, 415),
        ("POST", "text/xml; charset=utf-8", 3, None),
        ("POST", "application/soap+xml", MAX_REQUEST_BYTES + 1, 413),
        ("POST", 'Application/SOAP+xml;charset=utf-8;action="x"', MAX_REQUEST_BYTES, None),
        ("POST", None, None, None),
    ],
)
def test_refused_before_the_body(
    camera: Camera, method: str, content_type: str | None, length: int | None, status: int | None, validator: Validator
) -> None:
    reply = camera.dispatcher.refuse_head(method, content_type, length)
    assert (reply.status if reply else None) == status
    if reply:
        validator.body(reply.body)
        assert fault_of(reply)[0] == "env:Sender"


def test_cache_is_bounded(camera: Camera) -> None:
    for number in range(3 * MAX_CACHED_ANSWERS):
        camera.ask("tds:GetServices", f"<tds:Other>{number}</tds:Other>")
        camera.ask("tds:GetServices", f"<tds:Other>{'x' * 2000}{number}</tds:Other>")
    assert len(camera.dispatcher._answers) <= MAX_CACHED_ANSWERS


def test_subscription_life(camera: Camera, validator: Validator) -> None:
    created = camera.ask("tev:CreatePullPointSubscription")
    validator.body(created.body)
    address = texts(created, "wsa:Address")[0]
    assert address == "http://10.9.8.7/onvif/events_service?sub=point0"
    pull = "<tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>"
    first = camera.ask("tev:PullMessages", pull, sub="point0")
    validator.body(first.body)
    assert texts(first, "wsnt:Topic") == [
        "tns1:VideoSource/MotionAlarm",
        "tns1:RuleEngine/CellMotionDetector/Motion",
    ]
    values = [(item.get("Name"), item.get("Value")) for item in body_of(first).iter(clark("tt:SimpleItem"))]
    assert ("State", "false") in values
    assert ("IsMotion", "false") in values
    assert texts(camera.ask("tev:PullMessages", pull, sub="point0"), "wsnt:Topic") == []
    synchronized = camera.ask("tev:SetSynchronizationPoint", sub="point0")
    validator.body(synchronized.body)
    assert len(texts(camera.ask("tev:PullMessages", pull, sub="point0"), "wsnt:Topic")) == 2
    renewed = camera.ask("wsnt:Renew", "<wsnt:TerminationTime>PT10M</wsnt:TerminationTime>", sub="point0")
    validator.body(renewed.body)
    assert texts(renewed, "wsnt:TerminationTime") == ["2026-11-22T11:40:05.000Z"]
    validator.body(camera.ask("wsnt:Unsubscribe", sub="point0").body)
    gone = camera.ask("tev:PullMessages", pull, sub="point0")
    assert fault_of(gone)[1] == ["ter:InvalidArgVal", "wsrf-r:ResourceUnknownFault"]


def test_sixteen_subscriptions_and_no_more(camera: Camera, validator: Validator) -> None:
    replies = [camera.ask("tev:CreatePullPointSubscription") for _ in range(17)]
    assert [reply.ok for reply in replies] == [True] * 16 + [False]
    validator.body(replies[-1].body)
    assert "16 pull points" in fault_of(replies[-1])[2]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<tev:Timeout>soon</tev:Timeout>",
        "<tev:Timeout>-PT1S</tev:Timeout>",
        "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>-1</tev:MessageLimit>",
        "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>²</tev:MessageLimit>",
    ],
)
def test_malformed_pulls(camera: Camera, content: str) -> None:
    camera.ask("tev:CreatePullPointSubscription")
    missing = "ter:InvalidArgVal" if content else "ter:InvalidArgs"
    assert fault_of(camera.ask("tev:PullMessages", content, sub="point0"))[1] == [missing]


@pytest.mark.parametrize("time", ["soon", "PT0S", "2001-01-01T00:00:00Z"])
def test_malformed_lifetimes(camera: Camera, time: str) -> None:
    content = f"<tev:InitialTerminationTime>{time}</tev:InitialTerminationTime>"
    assert "wsnt:Unacceptable" in fault_of(camera.ask("tev:CreatePullPointSubscription", content))[1][1]


def test_event_answers_relate_to_the_request(camera: Camera, validator: Validator) -> None:
    header = username_token() + "<wsa:MessageID>urn:uuid:7</wsa:MessageID>"
    reply = camera.ask("tev:CreatePullPointSubscription", header=header)
    validator.body(reply.body)
    root = etree.fromstring(reply.body)
    assert root.findtext(f".//{clark('wsa:RelatesTo')}") == "urn:uuid:7"
    assert (root.findtext(f".//{clark('wsa:Action')}") or "").endswith("CreatePullPointSubscriptionResponse")


def _picture(camera: Camera, method: str = "GET", authorization: str | None = None) -> Grant | Reply:
    call = Call(method, "/snapshot", "/snapshot", camera.reached, authorization=authorization)
    answer = camera.dispatcher.picture(call, NOW)
    assert isinstance(answer, Grant | Reply)
    return answer


def test_snapshot_takes_digest_and_basic(camera: Camera) -> None:
    for position, scheme in enumerate(["Digest", "Digest", "Basic"]):
        for password, ok in ((PASSWORD, True), ("other", False)):
            refusal = _picture(camera)
            assert isinstance(refusal, Reply)
            challenge = list(parse_challenges(value for _, value in refusal.headers))[position]
            assert challenge.scheme == scheme
            header = authorization(
                challenge, method="GET", uri="/snapshot", username=USERNAME, password=password, cnonce="c0ffee"
            )
            answer = _picture(camera, authorization=header)
            assert isinstance(answer, Grant) == ok
            assert answer.scheme.startswith(scheme) if isinstance(answer, Grant) else answer.status == 401
    refusal = _picture(camera, "POST")
    assert isinstance(refusal, Reply)
    assert refusal.status == 405


_REQUESTS = [
    soap("tds:GetServices"),
    _old(soap("tds:GetUsers")),
    soap("tds:CreateUsers", "<tds:User><tt:Username>a</tt:Username><tt:UserLevel>User</tt:UserLevel></tds:User>"),
    soap("trt:GetProfile", "<trt:ProfileToken>main</trt:ProfileToken>"),
    soap("tev:PullMessages", "<tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>3</tev:MessageLimit>"),
    soap("tev:CreatePullPointSubscription", "<tev:InitialTerminationTime>PT60S</tev:InitialTerminationTime>"),
]
_CAMERA = Camera()


def _check(reply: Reply) -> None:
    root = etree.fromstring(reply.body)
    version = "1.1" if root.tag == f"{{{ENV11}}}Envelope" else "1.2"
    assert reply.status in (200, 400 if version == "1.2" else 500, 401)
    assert root.tag == f"{{{ENV11 if version == '1.1' else ENV12}}}Envelope"
    refused = etree.QName(root[-1][0]).localname == "Fault"
    assert refused == (reply.status != 200)
    assert reply.ok == (not refused) or (reply.status == 401 and not reply.auth), "a challenge is no trouble"


@given(st.binary(max_size=300), st.sampled_from(sorted(SERVICE_PATHS)))
def test_any_bytes_get_an_envelope(data: bytes, path: str) -> None:
    _check(_CAMERA.send(data, path))


@given(
    st.sampled_from(_REQUESTS),
    st.sampled_from(sorted(SERVICE_PATHS)),
    st.floats(0, 1),
    st.integers(0, 20),
    st.one_of(st.binary(max_size=8), st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))),
    st.one_of(st.none(), st.text(max_size=40)),
)
def test_damaged_requests_get_an_envelope(
    request_bytes: bytes, path: str, place: float, length: int, junk: bytes, header: str | None
) -> None:
    at = int(place * len(request_bytes))
    damaged = request_bytes[:at] + junk + request_bytes[at + length :]
    _check(_CAMERA.send(damaged, path, sub="point0", authorization=header))
