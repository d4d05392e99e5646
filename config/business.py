"""How Postroom is wired to this business: in, the site's address; out, the settings NOTIFICATIONS and RENTALS.

A host monolith writes its own (docs/howto/install-in-your-project.md).
"""

from typing import Any


def notifications() -> dict[str, Any]:
    """What may be set is in notifications/conf.py."""
    return {
        "DIRECTORY": "rentals.directory.RentalDirectory",  # who a customer or staff id is, and where to reach them
        "KICK": "jobs.tasks.kick_drain",  # called after a commit that enqueued
        "COMPANY_NAME": "Fundy Equipment Rental",
        # What no longer holds, by template name or its beginning (docs/howto/keep-messages-relevant.md).
        "RELEVANCE": {
            "booking.": "rentals.relevance.bookings.over",
            "maintenance.": "rentals.relevance.maintenance.over",
            "promotion.": "rentals.relevance.promotions.over",
        },
    }


def rentals(public_url: str) -> dict[str, str]:
    """The pages that messages of the jobs link to."""
    return {
        "BOOKING_URL": f"{public_url}/bookings/{{booking_number}}",
        "PROMOTION_URL": f"{public_url}/promotions/{{promotion_id}}",
    }
