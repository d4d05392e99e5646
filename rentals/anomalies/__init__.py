"""What is suspicious in the audit trail: in, audit events; out, findings, each with its evidence.

Each rule is a pure function over the events of a window, in a file of its own. They read these events (`event_type`; which
words a system uses for each is a setting, `AUDIT_ANOMALIES` in config/business.py):

| what | by default | besides |
|---|---|---|
| a login was refused | `auth.login_failed`, `login_failed` | `actor_id` is the account («» if there is none of that name), `ip_address` where from |
| somebody's rights changed | `access.privilege_changed`, `privilege_changed` | `actor_id` did it, `resource_id` is whose |
| data left the system | `data.export`, `export` | `metadata.rows`: how many rows |
| a secret was shown | `secret.read`, `secret_read` | `resource_id` is which |
| anything at all | every type | `session_id` and `ip_address`: a session that moves |

`action` is the system's own word and decides nothing. `thresholds.py` has the numbers, `rentals/querysets/audit.py` the SQL.
"""
