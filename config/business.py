"""How Postroom is wired to this business: in, the site's address; out, the settings NOTIFICATIONS, RENTALS, TEMPLATES_APP and AUDIT_ANOMALIES.

A host monolith writes its own (docs/howto/install-in-your-project.md).
"""

from typing import Any


def notifications() -> dict[str, Any]:
    """What may be set is in notifications/conf.py."""
    return {
        "DIRECTORY": "rentals.directory.RentalDirectory",  # who a customer or staff id is, and where to reach them
        "KICK": "jobs.tasks.kick_drain",  # called after a commit that enqueued
        "KICK_FEEDBACK": "jobs.tasks.kick_feedback",  # called after a commit that stored reports of providers
        "KICK_ACTS": "jobs.tasks.kick_acts",  # called after a commit that asked for an act on thousands of messages
        "JOBS": "jobs.asked.JobBook",  # the jobs and runs that the queue can be filtered by
        "ERASE": "rentals.erasure.forget",  # what the business forgets with a customer who asks for it
        "COMPANY_NAME": "Fundy Equipment Rental",
        "ROLE_RIGHTS": "config.role_rights.rights",  # so that a login with no more than this runs all of it
        # What no longer holds, by template name or its beginning (docs/howto/keep-messages-relevant.md).
        "RELEVANCE": {
            "alert.": "rentals.relevance.alerts.over",
            "booking.": "rentals.relevance.bookings.over",
            "contract.": "rentals.relevance.contracts.over",
            "finance.payout_discrepancy": "rentals.relevance.payouts.over",
            "installment.": "rentals.relevance.installments.over",
            "insurance.": "rentals.relevance.insurance.over",
            "maintenance.": "rentals.relevance.maintenance.over",
            "sla.": "rentals.relevance.tickets.over",
            "promotion.": "rentals.relevance.promotions.over",
        },
    }


def rentals(public_url: str) -> dict[str, str]:
    """The pages that messages of the jobs link to."""
    return {
        "BOOKING_URL": f"{public_url}/bookings/{{booking_number}}",
        "PAYMENT_URL": f"{public_url}/bookings/{{booking_number}}/payments",
        "CONTRACT_URL": f"{public_url}/contracts/{{contract_number}}",
        "INSURANCE_URL": f"{public_url}/bookings/{{booking_number}}/insurance",
        "PROMOTION_URL": f"{public_url}/promotions/{{promotion_id}}",
    }


def templates_app(*, sms_price: str) -> dict[str, str]:
    """What the templates ask of what stands above them, and what one segment of an SMS costs (an estimate for editors)."""
    return {
        "SEND_TEST": "notifications.send_test.send_test",  # how an editor's test gets into the queue
        "TRAFFIC": "notifications.template_use.traffic",  # the messages made with a template
        "MENTIONS": "jobs.mentions.mentions",  # the code that names one
        "SMS_PRICE": sms_price,
    }


def audit_anomalies() -> dict[str, Any]:
    """From where on audit_anomaly_detector calls something suspicious; what may be set is in rentals/anomalies/thresholds.py."""
    return {}
