"""Error reports: in, a DSN (none: off); out, sentry-sdk started with no personal data and scrubbed locals."""

import sentry_sdk


def start_sentry(*, dsn: str, environment: str) -> None:
    """Start sentry-sdk when there is a DSN. Frame variables are left out: payloads and addresses live there."""
    if not dsn:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
