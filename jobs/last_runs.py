"""The newest runs of several jobs: in, their names; out, each job's last few, oldest first, in one query.

A look-up in job_runs_latest a job, whatever the length of the history.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from jobs.models import JobRun

# A running row whose lease ran out counts as crashed, before anybody has buried it.
NEWEST = """
SELECT run.* FROM unnest(%s::text[]) AS job(name)
CROSS JOIN LATERAL (
    SELECT id, job_name, started_at, finished_at, duration, moment, trigger, actor, error_message, summary, lease_until, slot,
           CASE WHEN status = 'running' AND lease_until < now() THEN 'crashed' ELSE status END AS status
    FROM job_runs WHERE job_name = job.name ORDER BY started_at DESC LIMIT %s
) AS run
ORDER BY run.job_name, run.started_at
"""


def last_runs(names: Collection[str], *, count: int) -> Mapping[str, Sequence[JobRun]]:
    """By job; a job that never ran has none."""
    found: defaultdict[str, list[JobRun]] = defaultdict(list)
    for run in JobRun.objects.raw(NEWEST, [list(names), count]):
        found[run.job_name].append(run)
    return {name: found[name] for name in names}
