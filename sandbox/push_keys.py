"""Browser subscriptions that exist by calculation. A name comes in, an endpoint with its keys goes out. A
seeding script and the server agree without talking: the endpoint's id alone leads the server to the private
key."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import TypedDict

from cryptography.hazmat.primitives.asymmetric import ec

from sandbox import keys


class SubscriptionKeys(TypedDict):
    """The keys a browser hands out with a subscription (Push API, PushSubscription.toJSON)."""

    p256dh: str
    auth: str


class Subscription(TypedDict):
    """A push subscription in the form that browsers post and pywebpush takes."""

    endpoint: str
    keys: SubscriptionKeys


@dataclass(frozen=True, slots=True)
class Browser:
    """The receiving half of a subscription: what a real browser never tells anybody."""

    private_key: ec.EllipticCurvePrivateKey
    public_point: bytes
    auth_secret: bytes


def subscription(name: str, base_url: str, seed: str = keys.DEFAULT_SEED) -> Subscription:
    """The subscription of the browser called `name` at the sandbox at `base_url`."""
    identifier = subscription_id(name, seed)
    browser = _browser(identifier, seed)
    return {
        "endpoint": f"{base_url.rstrip('/')}/push/{identifier}",
        "keys": {"p256dh": keys.base64url(browser.public_point), "auth": keys.base64url(browser.auth_secret)},
    }


def subscription_id(name: str, seed: str = keys.DEFAULT_SEED) -> str:
    """16 bytes of the name's HMAC and an 8-byte seal, so that the server tells its own ids from invented
    ones."""
    secret = keys.derive(seed, "push-subscription-id", 32)
    identity = hmac.digest(secret, name.encode(), hashlib.sha256)[:16]
    return keys.base64url(identity + _seal(identity, seed))


def browser(identifier: str, seed: str = keys.DEFAULT_SEED) -> Browser | None:
    """The browser behind an endpoint's id; None if this sandbox never gave out that id."""
    try:
        raw = keys.base64url_decode(identifier)
    except ValueError:
        return None
    if len(raw) != 24 or not hmac.compare_digest(raw[16:], _seal(raw[:16], seed)):
        return None
    return _browser(identifier, seed)


def _seal(identity: bytes, seed: str) -> bytes:
    return hmac.digest(keys.derive(seed, "push-subscription-seal", 32), identity, hashlib.sha256)[:8]


@lru_cache(maxsize=50_000)
def _browser(identifier: str, seed: str) -> Browser:
    key = keys.derive_private_key(seed, f"push-key:{identifier}")
    return Browser(key, keys.public_point(key), keys.derive(seed, f"push-auth:{identifier}", 16))
