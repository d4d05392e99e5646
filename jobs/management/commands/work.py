"""`manage.py work notify`: run one of the clusters, and leave politely."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.cluster import PoliteCluster
from jobs.tasks import kick_drain

NAME = "Q_CLUSTER_NAME"


class Command(BaseCommand):
    help = (
        "Run a cluster of workers until told to stop: «notify» sends what is due, «jobs» runs the jobs. Several of each "
        "may run, on several hosts. The first SIGTERM finishes what is in flight; a second one stops at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cluster", choices=["notify", "jobs"], help="which workers to run")

    def handle(self, *args: Any, cluster: str, **options: Any) -> None:
        if os.environ.get(NAME) != cluster:
            # django-q2 reads the name when it is imported, which was before this command could say it.
            os.environ[NAME] = cluster
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (ourselves)
        if cluster == "notify":
            kick_drain()  # what fell due while nobody worked should not wait for the next minute
        PoliteCluster().start()
