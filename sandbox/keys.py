"""The keys that both ends of the sandbox share. A seed comes in, keys go out: the same for the same seed,
none of them real. Settings read these functions, so that sandbox mode needs no secret in any file."""

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DEFAULT_SEED = "postroom"

# The order of P-256's group (SEC 2, section 2.4.2): private keys lie in 1 … n-1.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

TWILIO_FROM = "+15005550006"  # the one sender that Twilio's test credentials accept


def sendgrid_api_key(seed: str = DEFAULT_SEED) -> str:
    """The key that may send mail."""
    return f"SG.sandbox-not-a-real-key.{_text(seed, 'sendgrid')}"


def sendgrid_restricted_api_key(seed: str = DEFAULT_SEED) -> str:
    """A key that exists but lacks the mail.send scope: SendGrid answers 403."""
    return f"SG.sandbox-no-permission.{_text(seed, 'sendgrid-restricted')}"


def sendgrid_webhook_key(seed: str = DEFAULT_SEED) -> ec.EllipticCurvePrivateKey:
    """Signs the event webhook."""
    return derive_private_key(seed, "sendgrid-webhook")


def sendgrid_webhook_public_key(seed: str = DEFAULT_SEED) -> str:
    """The verification key as SendGrid's console shows it: base64 of the DER SubjectPublicKeyInfo."""
    public = sendgrid_webhook_key(seed).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def twilio_account_sid(seed: str = DEFAULT_SEED) -> str:
    """AC and 32 hex digits; the first fourteen spell «sandbox»."""
    return "AC" + b"sandbox".hex() + derive(seed, "twilio-sid", 9).hex()


def twilio_auth_token(seed: str = DEFAULT_SEED) -> str:
    """32 hex digits; also the key of X-Twilio-Signature."""
    return b"sandbox".hex() + derive(seed, "twilio-token", 9).hex()


def vapid_private_key(seed: str = DEFAULT_SEED) -> str:
    """The raw 32 bytes as base64url without padding, which pywebpush and py-vapid take as a string."""
    return base64url(_vapid(seed).private_numbers().private_value.to_bytes(32, "big"))


def vapid_public_key(seed: str = DEFAULT_SEED) -> str:
    """The applicationServerKey of browsers: the uncompressed point as base64url without padding."""
    return base64url(public_point(_vapid(seed)))


def stripe_api_key(seed: str = DEFAULT_SEED) -> str:
    """A key in Stripe's test form."""
    return f"sk_test_sandbox{_text(seed, 'stripe').replace('-', '').replace('_', '')}"


def environment(base_url: str, seed: str = DEFAULT_SEED) -> dict[str, str]:
    """The variables that point Postroom at the sandbox at `base_url`."""
    base_url = base_url.rstrip("/")
    return {
        "SENDGRID_API_URL": f"{base_url}/sendgrid/v3/",
        "SENDGRID_API_KEY": sendgrid_api_key(seed),
        "SENDGRID_WEBHOOK_KEY": sendgrid_webhook_public_key(seed),
        "TWILIO_API_URL": f"{base_url}/twilio",
        "TWILIO_ACCOUNT_SID": twilio_account_sid(seed),
        "TWILIO_AUTH_TOKEN": twilio_auth_token(seed),
        "TWILIO_FROM": TWILIO_FROM,
        "VAPID_PRIVATE_KEY": vapid_private_key(seed),
        "STRIPE_API_URL": f"{base_url}/stripe",
        "STRIPE_API_KEY": stripe_api_key(seed),
    }


def derive(seed: str, purpose: str, length: int) -> bytes:
    """`length` bytes that depend on seed and purpose: HKDF-SHA256 (RFC 5869)."""
    pseudorandom = hmac.digest(b"postroom sandbox", seed.encode(), hashlib.sha256)
    block, output = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudorandom, block + purpose.encode() + bytes([counter]), hashlib.sha256)
        output += block
    return output[:length]


def derive_private_key(seed: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    """A P-256 key; 48 bytes before the reduction keep its bias negligible (FIPS 186-5, A.2.1)."""
    number = int.from_bytes(derive(seed, purpose, 48), "big") % (P256_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The 65 bytes of the uncompressed public point."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def base64url(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """The bytes of URL-safe base64 with or without padding; ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@lru_cache(maxsize=16)
def _vapid(seed: str) -> ec.EllipticCurvePrivateKey:
    return derive_private_key(seed, "vapid")


def _text(seed: str, purpose: str) -> str:
    return base64url(derive(seed, purpose, 24))
