"""How PostgreSQL really answers: in, code that asks it something; out, the plan of each statement, with what it read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Plan:
    """One statement as it was executed."""

    sql: str
    tree: dict[str, Any]

    def nodes(self) -> Iterator[dict[str, Any]]:
        waiting = [self.tree["Plan"]]
        while waiting:
            node = waiting.pop()
            waiting += node.get("Plans", [])
            yield node

    @property
    def indexes(self) -> set[str]:
        named = {node["Index Name"] for node in self.nodes() if "Index Name" in node}
        return named.union(*(node.get("Conflict Arbiter Indexes", []) for node in self.nodes()))

    @property
    def whole_tables(self) -> set[str]:
        """Tables that were read from end to end, or would have been but for a limit."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"].endswith("Seq Scan")}

    @property
    def blocks(self) -> int:
        """Pages that it looked at, in memory or on disk."""
        top = self.tree["Plan"]
        return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])

    def __str__(self) -> str:
        lines = [f"{self.blocks} blocks: {' '.join(self.sql.split())[:300]}"]
        for node in self.nodes():
            what = node.get("Index Name") or node.get("Relation Name") or ""
            lines.append(f"    {node['Node Type']} {what} rows={node['Actual Rows']}×{node['Actual Loops']}")
        return "\n".join(lines)


def new_files(table: str) -> None:
    """Empty the table into new files, with its indexes: dead rows of other tests would weigh in the plans."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {table} CASCADE")


@contextmanager
def explained(*tables: str) -> Iterator[list[Plan]]:
    """The plans of all statements in between that name one of these tables. Each runs twice, once to be rolled back."""
    plans: list[Plan] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in tables) and not many and not sql.startswith("EXPLAIN"):
            raw = connection.connection
            with raw.transaction(force_rollback=True), raw.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                answer = cursor.fetchone()[0]
            plans.append(Plan(sql, (json.loads(answer) if isinstance(answer, str) else answer)[0]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans
