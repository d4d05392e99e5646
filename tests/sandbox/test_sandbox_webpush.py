"""What a push service accepts and refuses, through pywebpush; and the RFC's own example."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import http_ece
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from sandbox import keys, push_keys
from sandbox.push_keys import Browser
from sandbox.testing import SandboxServer
from sandbox.webpush.aes128gcm import UndecryptableError, decrypt

Post = Callable[..., requests.Response]


def push(server: SandboxServer, subscription: Any, payload: Any, **options: Any) -> requests.Response:
    """Send as the web push channel does: a fresh claims dict each time, since pywebpush writes into it."""
    answer = webpush(
        subscription,
        json.dumps(payload),
        vapid_private_key=keys.vapid_private_key(),
        vapid_claims={"sub": "mailto:ops@example.com"},
        **{"ttl": 60, "timeout": 10, **options},
    )
    assert isinstance(answer, requests.Response)
    return answer


@pytest.fixture
def subscription(server: SandboxServer) -> push_keys.Subscription:
    return push_keys.subscription("ada's phone", server.url)


@pytest.fixture
def post(subscription: push_keys.Subscription, http: requests.Session) -> Post:
    """A request by hand; every part can be replaced, and None takes a header away."""

    def send(
        body: bytes | None = None,
        endpoint: str = "",
        claims: dict[str, Any] | None = None,
        key: str = "",
        **changes: Any,
    ) -> requests.Response:
        origin = "/".join(subscription["endpoint"].split("/")[:3])
        claims = {
            "aud": origin,
            "exp": int(time.time()) + 3600,
            "sub": "mailto:ops@example.com",
            **(claims or {}),
        }
        headers = {
            "TTL": "60",
            "Content-Encoding": "aes128gcm",
            **Vapid02.from_string(key or keys.vapid_private_key()).sign(claims),
            **changes,
        }
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        body = encrypt(b'{"id": "n-1"}', subscription) if body is None else body
        return http.post(endpoint or subscription["endpoint"], data=body, headers=sent, timeout=10)

    return send


def encrypt(text: bytes, subscription: push_keys.Subscription) -> bytes:
    sender = ec.generate_private_key(ec.SECP256R1())
    point, auth = (keys.base64url_decode(subscription["keys"][name]) for name in ("p256dh", "auth"))
    encrypted: bytes = http_ece.encrypt(
        text, private_key=sender, dh=point, auth_secret=auth, version="aes128gcm"
    )
    return encrypted


def test_pywebpush_delivers_a_message_that_decrypts(
    server: SandboxServer, subscription: push_keys.Subscription
) -> None:
    payload = {"id": "n-1", "title": "Pickup at 7:30", "body": "Your excavator is ready 🚜"}
    answer = push(server, subscription, payload, headers={"Urgency": "high", "Topic": "pickup-1"})
    (line,) = server.messages(provider="webpush")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{server.url}/push/m/{server.message(line['id'])['reference']}"
    assert answer.headers["TTL"] == "60"
    content = server.message(line["id"])["content"]
    assert content["data"] == payload
    assert (content["urgency"], content["topic"], content["ttl"]) == ("high", "pickup-1", 60)
    assert content["vapid_subject"] == "mailto:ops@example.com"
    assert (line["notification_id"], line["recipients"]) == ("n-1", [subscription["endpoint"]])


def test_the_address_of_a_subscription_follows_from_its_name() -> None:
    one = push_keys.subscription("a", "http://127.0.0.1:1/")
    assert one == push_keys.subscription("a", "http://127.0.0.1:1")
    assert one["endpoint"] != push_keys.subscription("b", "http://127.0.0.1:1")["endpoint"]
    assert one["keys"] != push_keys.subscription("a", "http://127.0.0.1:1", seed="other")["keys"]
    assert len(keys.base64url_decode(one["keys"]["p256dh"])) == 65
    assert len(keys.base64url_decode(one["keys"]["auth"])) == 16


def test_the_example_of_rfc_8291_decrypts() -> None:
    """Appendix A."""
    number = int.from_bytes(keys.base64url_decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    private_key = ec.derive_private_key(number, ec.SECP256R1())
    browser = Browser(
        private_key, keys.public_point(private_key), keys.base64url_decode("BTBZMqHH6r4Tts7J_aSIgg")
    )
    body = keys.base64url_decode(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert decrypt(body, browser) == b"When I grow up, I want to be a watermelon"


def test_padding_is_taken_off_and_a_first_record_is_refused() -> None:
    subscription = push_keys.subscription("a", "http://127.0.0.1:1")
    browser = push_keys.browser(subscription["endpoint"].rpartition("/")[2])
    assert browser is not None
    assert decrypt(encrypt(b"text", subscription), browser) == b"text"
    with pytest.raises(UndecryptableError, match="one record"):
        decrypt(encrypt(b"x" * 5000, subscription), browser)


def test_a_message_without_payload_only_wakes_the_browser(server: SandboxServer, post: Post) -> None:
    assert post(b"", Content_Encoding=None).status_code == 201
    assert server.message(server.messages()[0]["id"])["content"]["raw"] == ""


@pytest.mark.parametrize(
    ("changes", "status", "errno"),
    [
        ({"TTL": None}, 400, 111),
        ({"TTL": "soon"}, 400, 112),
        ({"TTL": "-1"}, 400, 112),
        ({"Topic": "x" * 33}, 400, 113),
        ({"Topic": "a b"}, 400, 113),
        ({"Urgency": "now"}, 400, 110),
        ({"Content_Encoding": "aesgcm"}, 400, 110),
        ({"body": b"x" * 4097}, 413, 104),
        ({"body": b"x" * 200}, 400, 110),
        ({"body": b"x"}, 400, 110),
        ({"Authorization": None}, 401, 109),
        ({"Authorization": "Bearer x"}, 401, 109),
        ({"Authorization": "vapid t=x"}, 401, 109),
        ({"Authorization": f"vapid t=x.y.z, k={keys.vapid_public_key()}"}, 403, 109),
        ({"key": keys.base64url((7).to_bytes(32, "big"))}, 403, 109),
        ({"claims": {"aud": "https://updates.push.services.mozilla.com"}}, 403, 109),
        ({"claims": {"exp": int(time.time()) - 1}}, 403, 109),
        ({"claims": {"exp": int(time.time()) + 25 * 3600}}, 403, 109),
    ],
)
def test_it_refuses(
    changes: dict[str, Any], status: int, errno: int, server: SandboxServer, post: Post
) -> None:
    answer = post(**changes)
    assert (answer.status_code, answer.json()["code"], answer.json()["errno"]) == (status, status, errno)
    assert server.stats()["totals"]["received"] == 0


def test_a_signature_of_another_token_is_refused(server: SandboxServer, post: Post) -> None:
    origin = server.url
    expires_at = int(time.time()) + 60
    claims = {"aud": origin, "exp": expires_at, "sub": "mailto:ops@example.com"}
    header = Vapid02.from_string(keys.vapid_private_key()).sign(claims)["Authorization"]
    head, claimed, signature = header.removeprefix("vapid t=").split(",")[0].split(".")
    later = (
        base64.urlsafe_b64encode(json.dumps({**claims, "exp": expires_at + 1}).encode()).rstrip(b"=").decode()
    )
    forged = f"vapid t={head}.{later}.{signature},k={keys.vapid_public_key()}"
    assert (
        post(Authorization=f"vapid t={head}.{claimed}.{signature},k={keys.vapid_public_key()}").status_code
        == 201
    )
    assert post(Authorization=forged).status_code == 403


def test_a_message_for_another_browser_does_not_decrypt(server: SandboxServer, post: Post) -> None:
    other = push_keys.subscription("bob's phone", server.url)
    answer = post(encrypt(b"secret", other))
    assert (answer.status_code, "could not decrypt" in answer.json()["message"]) == (400, True)


def test_an_invented_endpoint_is_not_found(server: SandboxServer, post: Post) -> None:
    for identifier in ("x", "A" * 32, push_keys.subscription_id("a", seed="other"), "é", "%00"):
        assert post(endpoint=f"{server.url}/push/{identifier}").status_code == 404


@pytest.mark.parametrize("status", [410, 404, 403])
def test_a_dead_subscription_tells_so(
    status: int, server: SandboxServer, subscription: push_keys.Subscription
) -> None:
    server.end_subscription(subscription["endpoint"], status)
    with pytest.raises(WebPushException) as raised:
        push(server, subscription, {})
    assert raised.value.status_code == status
    server.end_subscription(subscription["endpoint"], 0)
    assert push(server, subscription, {}).status_code == 201
