"""Voluntary application server identification (RFC 8292). An Authorization header comes in, the sender's
claims go out. A verified token is remembered: senders reuse one for hours, and a check of the signature costs
more than all the rest."""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sandbox import keys

ONE_DAY = 24 * 3600
REMEMBERED = 4096


class RejectedError(Exception):
    """The sender is not who it must be; `status` is the answer: 401 for no token, 403 for a bad one (section
    4.2)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Claims:
    """Who sends, to whom, until when."""

    subject: str | None
    audience: str
    expires_at: float


class Verifier:
    """Checks tokens against the application server key that the subscriptions were made with."""

    def __init__(self, public_key: str) -> None:
        self._public_key = public_key
        point = keys.base64url_decode(public_key)
        self._key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        self._verified: dict[str, Claims] = {}

    def verify(self, authorization: str | None, audience: str, now: float) -> Claims:
        """The claims of a valid header for a push resource of the origin `audience`; RejectedError
        otherwise."""
        if not authorization:
            raise RejectedError(401, "Missing Authorization header")
        claims = self._verified.get(authorization)
        if claims is None:
            claims = self._read(authorization)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified[authorization] = claims
        _check_claims(claims, audience, now)
        return claims

    def _read(self, authorization: str) -> Claims:
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() != "vapid":
            raise RejectedError(401, "Authorization must use the vapid scheme")
        parameters = dict(item.strip().partition("=")[::2] for item in rest.split(","))
        token, public_key = parameters.get("t"), parameters.get("k")
        if not token or not public_key:
            raise RejectedError(401, "Authorization must carry the parameters t and k")
        if public_key.rstrip("=") != self._public_key:
            raise RejectedError(403, "The key k is not the applicationServerKey of this subscription")
        try:
            header, claims, signature = token.split(".")
            self._check_signature(f"{header}.{claims}".encode(), keys.base64url_decode(signature))
            return _read_claims(_json(header), _json(claims))
        except (ValueError, InvalidSignature) as error:
            raise RejectedError(403, f"Invalid token: {error or 'wrong signature'}") from error

    def _check_signature(self, signed: bytes, signature: bytes) -> None:
        if len(signature) != 64:
            raise ValueError("an ES256 signature has 64 bytes")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        self._key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def _read_claims(header: dict[str, Any], claims: dict[str, Any]) -> Claims:
    if header.get("alg") != "ES256":
        raise ValueError("alg must be ES256")
    expires_at, audience, subject = claims.get("exp"), claims.get("aud"), claims.get("sub")
    if not isinstance(expires_at, int | float) or isinstance(expires_at, bool):
        raise ValueError("exp must be a number")
    if not isinstance(audience, str):
        raise ValueError("aud must be the origin of the push service")
    if subject is not None and not str(subject).startswith(("mailto:", "https:")):
        raise ValueError("sub must be a mailto: or an https: address")
    return Claims(subject, audience, expires_at)


def _check_claims(claims: Claims, audience: str, now: float) -> None:
    if claims.audience != audience:
        raise RejectedError(403, f"aud is {claims.audience}, the push service is {audience}")
    if claims.expires_at <= now:
        raise RejectedError(403, "The token has expired")
    if claims.expires_at > now + ONE_DAY + 60:  # a minute for clocks that disagree
        raise RejectedError(403, "exp lies more than 24 hours ahead")


def _json(part: str) -> dict[str, Any]:
    value = json.loads(keys.base64url_decode(part))
    if not isinstance(value, dict):
        raise ValueError("header and claims must be objects")
    return value
