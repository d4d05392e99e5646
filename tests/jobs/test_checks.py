"""The system checks name what would bite later, and which setting to change."""

import datetime as dt
from typing import Any

import pytest

from jobs.checks import check_catalogue, check_clusters, check_stripe
from tests.catalogue import Install


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def clusters(settings: Any, **notify: Any) -> None:
    """The project's settings, with the notify cluster changed."""
    conf = settings.Q_CLUSTER
    settings.Q_CLUSTER = {
        **conf, "ALT_CLUSTERS": {**conf["ALT_CLUSTERS"], "notify": {**conf["ALT_CLUSTERS"]["notify"], **notify}}
    }  # fmt: skip


def test_the_project_as_it_stands_passes() -> None:
    assert check_catalogue() == []
    assert check_clusters() == []
    assert check_stripe() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"cron": "61 * * * *"}, ["jobs.E002"]),
        ({"cron": "@daily"}, ["jobs.E002"]),
        ({"timeout": dt.timedelta(milliseconds=1500)}, ["jobs.E003"]),
        ({"timeout": dt.timedelta(hours=3)}, ["jobs.E004"]),
    ],
)
def test_a_job_that_cannot_run_as_written_is_named(
    install: Install, fields: dict[str, Any], expected: list[str]
) -> None:
    install(**fields)
    found = check_catalogue()
    assert ids(found) == expected
    assert "probe" in found[0].msg


def test_a_retry_that_hands_running_tasks_out_again_is_an_error_with_the_number_to_exceed(
    settings: Any,
) -> None:
    # Two workers, queue limit 2, bulk 1: one running and two rounds waiting, each 220 s, and 3 s more.
    clusters(settings, retry=663)
    [found] = check_clusters()
    assert found.id == "jobs.E007"
    assert "“notify”" in found.msg
    assert "above 663" in (found.hint or "")
    clusters(settings, retry=664)
    assert check_clusters() == []


def test_the_queue_limit_that_django_q2_assumes_counts(settings: Any) -> None:
    conf = dict(settings.Q_CLUSTER["ALT_CLUSTERS"]["notify"])
    del conf["queue_limit"]
    settings.Q_CLUSTER = {
        key: value for key, value in settings.Q_CLUSTER.items() if key not in ("queue_limit", "ALT_CLUSTERS")
    } | {
        "ALT_CLUSTERS": {
            "notify": {**conf, "workers": 4, "timeout": 60, "retry": 363},
            "jobs": settings.Q_CLUSTER["ALT_CLUSTERS"]["jobs"] | {"queue_limit": 2},
        }
    }
    [found] = check_clusters()  # 4 workers, queue_limit 16: (1 + ceil(17 / 4)) * 60 + 3 = 363
    assert "above 363" in (found.hint or "")


def test_kept_successes_replayed_slots_fractions_and_missing_clusters_are_told(settings: Any) -> None:
    clusters(settings, save_limit=250, catch_up=True)
    assert ids(list(check_clusters())) == ["jobs.W001", "jobs.W002"]
    clusters(settings, save_limit=-1, catch_up=False, timeout=1.5)
    assert ids(list(check_clusters())) == ["jobs.E006"]
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "ALT_CLUSTERS": {}}
    assert ids(list(check_clusters())) == ["jobs.E005", "jobs.E005"]


@pytest.mark.parametrize(
    ("key", "live", "expected"),
    [
        ("", False, ["jobs.E009"]),
        ("", True, []),  # notifications.E002 says so
        ("pk_live_publishable", True, ["jobs.E009"]),
        ("sk_test_1a2b", True, ["jobs.E010"]),
        ("rk_live_1a2b", True, []),
        ("sk_test_1a2b", False, []),
    ],
)
def test_a_key_that_stripe_or_this_mode_would_refuse_is_named_and_never_shown(
    settings: Any, key: str, live: bool, expected: list[str]
) -> None:
    settings.STRIPE_API_KEY, settings.SANDBOX = key, not live
    found = check_stripe()
    assert ids(found) == expected
    assert not key or not any(key in str(message) for message in found)


def test_an_empty_address_of_stripe_is_named(settings: Any) -> None:
    settings.STRIPE_API_URL = ""
    assert ids(check_stripe()) == ["jobs.E008"]
