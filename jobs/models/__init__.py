"""The tables of the jobs."""

from jobs.models.escalation import JobEscalation
from jobs.models.known import KnownJob
from jobs.models.pause import JobPause
from jobs.models.progress import JobProgress
from jobs.models.request import JobRequest
from jobs.models.run import JobRun

__all__ = ["JobEscalation", "JobPause", "JobProgress", "JobRequest", "JobRun", "KnownJob"]
