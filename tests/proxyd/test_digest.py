"""Digest and Basic on both sides: published vectors, round trips, refusals, replays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.digest import Challenge, DigestVerifier, authorization, choose, parse_challenges

NOW = 1_700_000_000.0


def verifier(**options: int) -> DigestVerifier:
    return DigestVerifier("camera", b"secret of this run", **options)


def answer(challenge: Challenge, password: str = "s3cret", nc: int = 1, uri: str = "/main") -> str:
    return authorization(
        challenge, method="DESCRIBE", uri=uri, username="admin", password=password, cnonce="abc", nc=nc
    )


def check(
    server: DigestVerifier, header: str, *, now: float = NOW, uri: str = "/main", basic: bool = False
) -> tuple[bool, str, bool]:
    verdict = server.verify(
        header, method="DESCRIBE", uri=uri, username="admin", password="s3cret", now=now, basic=basic
    )
    return verdict.ok, verdict.reason, verdict.stale


def test_rfc7616_vectors() -> None:
    for algorithm, expected in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        challenge = Challenge(
            "Digest",
            "http-auth@example.org",
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
            algorithm,
            ("auth", "auth-int"),
        )
        header = authorization(
            challenge,
            method="GET",
            uri="/dir/index.html",
            username="Mufasa",
            password="Circle of Life",
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
        assert f'response="{expected}"' in header
        assert "nc=00000001" in header and "qop=auth" in header


def test_several_challenges_in_one_value_and_in_several() -> None:
    one = 'Basic realm="a, \\"b\\"", Digest realm=x, nonce="n1", qop="auth,auth-int", stale=TRUE, Negotiate'
    found = parse_challenges([one, 'digest nonce="n2",algorithm=SHA-256,realm="y",opaque=""'])
    assert found == [
        Challenge("Basic", 'a, "b"'),
        Challenge("Digest", "x", "n1", None, "", ("auth", "auth-int"), True),
        Challenge("Digest", "y", "n2", "", "SHA-256"),
    ]
    assert choose(found) == found[2]
    assert choose(found[:2]) == found[1]
    assert choose(found[:1]) == found[0]
    assert choose([]) is None
    assert choose([Challenge("Digest", "r", "n", qop=("auth-int",))]) is None
    assert choose([Challenge("Digest", "r", "n", algorithm="SHA-512-256")]) is None


@given(st.text(max_size=200))
def test_any_text_is_parsed_without_failing(text: str) -> None:
    parse_challenges([text, "Digest " + text])
    server = verifier()
    for header in (text, "Digest " + text, "Basic " + text):
        assert not server.verify(header, method="GET", uri="/", username="u", password="p", now=NOW, basic=True).ok


@given(
    username=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
    password=st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
    realm=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20),
    algorithm=st.sampled_from(["MD5", "SHA-256"]),
    session=st.booleans(),
    qop=st.booleans(),
)
def test_round_trip(username: str, password: str, realm: str, algorithm: str, session: bool, qop: bool) -> None:
    server = DigestVerifier(realm, b"k")
    name = algorithm + ("-sess" if session else "")
    challenge = choose(parse_challenges(server.challenges(NOW, algorithms=[name], qop=qop)))
    assert challenge is not None
    header = authorization(challenge, method="GET", uri="/x?y=1", username=username, password=password, cnonce='c"1')
    verdict = server.verify(header, method="GET", uri="/x?y=1", username=username, password=password, now=NOW)
    assert verdict.ok, verdict
    assert verdict.scheme.startswith("Digest")
    assert not server.verify(header, method="GET", uri="/x?y=1", username=username, password=password + "x", now=NOW).ok


def test_offer_is_strongest_first_and_plain_md5_is_old_style() -> None:
    sha, md5, basic = verifier().challenges(NOW, basic=True, qop=False)
    assert "SHA-256" in sha
    assert "algorithm" not in md5 and "qop" not in md5
    assert basic == 'Basic realm="camera"'


@pytest.mark.parametrize("qop", [True, False])
def test_refusals_say_why(qop: bool) -> None:
    server = verifier()
    challenge = choose(parse_challenges(server.challenges(NOW, qop=qop)))
    assert challenge is not None
    assert check(server, answer(challenge, "wrong")) == (False, "wrong password", False)
    assert check(server, answer(challenge).replace('"admin"', '"root"')) == (False, "unknown user", False)
    assert check(server, answer(challenge), now=NOW + 301) == (False, "nonce expired", True)
    assert check(server, answer(challenge), now=NOW - 5) == (False, "nonce expired", True)
    assert check(server, answer(challenge), uri="/sub")[0] is False
    assert check(server, "Digest") == (False, "malformed", False)
    assert check(server, "") == (False, "malformed", False)
    assert check(server, "Bearer x") == (False, "unknown scheme", False)
    assert check(server, answer(challenge).replace("SHA-256", "CRC")) == (False, "unknown algorithm", False)
    assert check(server, answer(challenge)) == (True, "", False)


def test_a_nonce_of_another_run_is_stale_not_wrong() -> None:
    other = DigestVerifier("camera", b"another run")
    challenge = choose(parse_challenges(other.challenges(NOW)))
    assert challenge is not None
    assert check(verifier(), answer(challenge)) == (False, "nonce expired", True)


def test_signing_the_presentation_covers_its_tracks() -> None:
    server = verifier()
    challenge = choose(parse_challenges(server.challenges(NOW, qop=False)))
    assert challenge is not None
    header = answer(challenge, uri="rtsp://127.0.2.1:8554/main/")
    assert check(server, header, uri="rtsp://127.0.2.1:8554/main/trackID=0")[0]
    assert not check(server, header, uri="rtsp://127.0.2.1:8554/mainly")[0]


def test_a_count_is_used_once_and_may_come_out_of_order() -> None:
    server = verifier()
    challenge = choose(parse_challenges(server.challenges(NOW)))
    assert challenge is not None
    for nc in (1, 3, 2, 200):
        assert check(server, answer(challenge, nc=nc))[0], nc
    for nc in (1, 2, 3, 200, 100):
        assert check(server, answer(challenge, nc=nc)) == (False, "replayed", True), nc


def test_the_memory_of_counts_is_bounded_and_forgets_safely() -> None:
    server = verifier(max_nonces=2)
    headers = []
    for _ in range(4):
        challenge = choose(parse_challenges(server.challenges(NOW)))
        assert challenge is not None
        headers.append(answer(challenge))
    assert [check(server, header)[0] for header in headers] == [True] * 4
    assert [check(server, header)[1] for header in headers] == ["replayed"] * 4
    assert len(server._used) <= 2


def test_basic_only_where_it_will_do() -> None:
    server = verifier()
    header = authorization(Challenge("Basic"), method="GET", uri="/", username="admin", password="s3cret", cnonce="")
    assert check(server, header) == (False, "Basic is not accepted here, only Digest", False)
    assert check(server, header, basic=True) == (True, "", False)
    wrong = header[:-4] + "AAAA"
    assert check(server, wrong, basic=True) == (False, "wrong password", False)
    assert check(server, "Basic !!!", basic=True) == (False, "malformed", False)


def test_secrets_stay_out_of_repr() -> None:
    challenge = Challenge("Digest", "r", "nonce-value", "opaque-value")
    assert "value" not in repr(challenge)
