"""How Twilio refuses. An error code comes in, the answer with Twilio's own words goes out."""

import json

from sandbox.server import Headers, Response

JSON: Headers = (("Content-Type", "application/json"), ("Twilio-Concurrent-Requests", "1"))

MESSAGES = {
    20003: "Authenticate",
    20004: "Method not allowed",
    20404: "The requested resource {path} was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service is unavailable",
    21211: "Invalid 'To' Phone Number: {to}",
    21212: "Invalid From Number (caller ID): {sender}",
    21266: "'To' and 'From' number cannot be the same: {to}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number for this destination/account",
    21609: "The 'StatusCallback' URL {callback} is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "The source 'from' phone number has exceeded the maximum number of queued messages",
    21612: "Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' ({sender}) parameters",
    21614: "'To' number is not a valid mobile number: {to}",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21701: "The Messaging Service does not exist",
}
FAULTS = {400: 20400, 401: 20003, 403: 20403, 404: 20404, 405: 20004, 429: 20429, 500: 20500, 503: 20503}


def error(status: int, code: int, **names: str) -> Response:
    """Twilio's answer of this HTTP status and error code; `names` fill the holes of its message."""
    for hole in ("path", "to", "sender", "callback"):
        names.setdefault(hole, "")
    body = {
        "code": code,
        "message": MESSAGES.get(code, "Bad Request" if status < 500 else "Server error").format(**names),
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Response(status, json.dumps(body).encode(), JSON)
