"""The operators' pages of the jobs: in, staff with permissions; out, the catalogue, its runs, and a run by POST."""

from jobs.admin import runs, workers

__all__ = ["runs", "workers"]
