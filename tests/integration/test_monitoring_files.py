"""The dashboard and the alerts ask for what a real scrape has, and lead to pages that there are."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from django.conf import settings as django_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from jobs.runner import run
from jobs.schedules import sync_schedules
from notifications import tally
from notifications.worker import drain
from sandbox.testing import SandboxServer
from tests.factories import CustomerFactory
from tests.integration.api_client import program
from tests.messages import queued

DOCS = Path(django_settings.BASE_DIR) / "docs"
FILES = DOCS / "monitoring"
ALERTS: dict[str, Any] = yaml.safe_load((FILES / "alerts.yml").read_text())
DASHBOARD: dict[str, Any] = json.loads((FILES / "grafana.json").read_text())
TESTS: dict[str, Any] = yaml.safe_load((FILES / "alerts.test.yml").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
ALARMS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SHOWN = [panel for panel in PANELS if panel["type"] != "row"]
PLACEHOLDER = "https://postroom.example/docs/"
PROMTOOL = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
# What Prometheus itself puts on each series.
ITS_OWN = {"instance", "job"}


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression with where it stands; Grafana's variables filled in as it does."""
    for rule in RULES:
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in SHOWN:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", filled_in(target["expr"])
    for annotation in DASHBOARD["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], filled_in(annotation["expr"])


def filled_in(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace('"$channel"', '"email|sms"')


EXPRESSIONS = dict(expressions())


def nodes(expression: str) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return found


def selectors(expression: str) -> list[Any]:
    found = [node for node in nodes(expression) if isinstance(node, promql_parser.VectorSelector)]
    found += [n.vector_selector for n in nodes(expression) if isinstance(n, promql_parser.MatrixSelector)]
    return found


@pytest.fixture(scope="module")
def scraped(request: pytest.FixtureRequest) -> dict[str, set[str]]:
    return {}


@pytest.fixture
def labels(
    scraped: dict[str, set[str]],
    transactional_db: None,
    templates: None,
    sandbox: SandboxServer,
    settings: Any,
) -> Mapping[str, set[str]]:
    """By series: its labels. Of one real scrape, after messages that went out, failed and were withheld, and a run."""
    if not scraped:
        sync_schedules(now=timezone.now())
        queued(), queued(CustomerFactory.create(email=""))
        run("segment_refresh", now=timezone.now(), trigger="command")
        drain()
        tally.write()
        found: defaultdict[str, set[str]] = defaultdict(set)
        for family in text_string_to_metric_families(program(settings).get("/metrics").content.decode()):
            for sample in family.samples:
                found[sample.name] |= set(sample.labels)
        scraped.update(found)
    return scraped


# ── Every expression ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("place", EXPRESSIONS)
def test_it_parses(place: str) -> None:
    assert selectors(EXPRESSIONS[place])


def test_every_name_and_label_is_in_a_real_scrape(labels: Mapping[str, set[str]]) -> None:
    wrong = []
    for place, expression in EXPRESSIONS.items():
        for selector in selectors(expression):
            known = (
                {*grouped(RECORDED[selector.name])}
                if selector.name in RECORDED
                else labels.get(selector.name)
            )
            if known is None:
                wrong.append(f"{place}: there is no {selector.name}")
                continue
            asked = {matcher.name for matcher in selector.matchers.matchers}
            wrong += [f"{place}: {selector.name} has no {name}" for name in asked - known - ITS_OWN]
    assert wrong == []


def test_what_is_summed_by_is_a_label_of_what_is_summed(labels: Mapping[str, set[str]]) -> None:
    wrong = []
    for place, expression in EXPRESSIONS.items():
        for node in nodes(expression):
            if not isinstance(node, promql_parser.AggregateExpr):
                continue
            known = set(ITS_OWN)
            for selector in selectors(node.expr.prettify()):
                known |= labels.get(selector.name, set()) | grouped(RECORDED.get(selector.name, "up"))
            wrong += [f"{place}: by {name}" for name in grouped(node.prettify()) - known]
    assert wrong == []


def grouped(expression: str) -> set[str]:
    """The labels of all `by (…)` and `without (…)`."""
    lists = re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression)
    return {name.strip() for names in lists for name in names.split(",") if name.strip()}


def test_every_series_is_looked_at_by_somebody(labels: Mapping[str, set[str]]) -> None:
    """Or it need not be counted."""
    asked = {selector.name for expression in EXPRESSIONS.values() for selector in selectors(expression)}
    implied = {
        f"{name.removesuffix('_bucket')}_{part}"
        for name in asked
        if name.endswith("_bucket")
        for part in ("sum", "count")
    }
    unseen = set(labels) - asked - implied - {"postroom_drain_alive_until_timestamp_seconds"}
    assert unseen == set()


# ── The alerts ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: str(alarm["alert"]))
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(alarm: dict[str, Any]) -> None:
    assert alarm["alert"].startswith("Postroom")
    assert alarm["labels"]["severity"] in ("critical", "warning", "info")
    annotations = alarm["annotations"]
    assert annotations["summary"].endswith(".")
    url = annotations["runbook_url"]
    assert url.startswith(PLACEHOLDER)
    runbook = (DOCS / url.removeprefix(PLACEHOLDER)).read_text()
    assert f"`{alarm['alert']}`" in runbook, "the runbook names its alert"
    assert f"({Path(url).name})" in (DOCS / "runbooks/README.md").read_text(), (
        "and is in the list of runbooks"
    )


def test_no_runbook_names_an_alert_that_is_gone() -> None:
    named = {
        name
        for path in (DOCS / "runbooks").glob("*.md")
        for name in re.findall(r"`(Postroom[A-Za-z]+)`", path.read_text())
    }
    assert named == {alarm["alert"] for alarm in ALARMS}


def test_every_alert_is_tried_and_fires() -> None:
    fired = {
        case["alertname"]
        for test in TESTS["tests"]
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert fired == {alarm["alert"] for alarm in ALARMS}


@PROMTOOL
@pytest.mark.parametrize(
    "command",
    [
        ["check", "rules", "alerts.yml"],
        ["test", "rules", "alerts.test.yml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sample_configuration_scrapes_with_a_token_and_takes_the_rules() -> None:
    sample = yaml.safe_load((FILES / "prometheus.yml").read_text())
    [job] = sample["scrape_configs"]
    assert (job["metrics_path"], job["scheme"], job["authorization"]["type"]) == (
        "/metrics",
        "https",
        "Bearer",
    )
    assert sample["rule_files"] == ["alerts.yml"]


# ── The dashboard ───────────────────────────────────────────────────────────────────────────────────────
def test_it_loads_anywhere() -> None:
    """No data source, no id and no address of ours in it."""
    assert DASHBOARD["uid"] == "postroom"
    assert "id" not in DASHBOARD
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for panel in SHOWN:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    ids = [panel["id"] for panel in PANELS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows_and_in_what(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "timeseries":
        assert panel["fieldConfig"]["defaults"]["custom"]["axisLabel"]
        assert panel["options"]["legend"]["showLegend"]
    for link in panel["links"]:
        name = link["url"].removeprefix("${runbooks}/")
        assert (DOCS / "runbooks" / name).is_file(), name


def test_no_panel_lies_on_another() -> None:
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_each_runbook_that_an_alert_leads_to_has_a_panel() -> None:
    led = {Path(alarm["annotations"]["runbook_url"]).name for alarm in ALARMS}
    shown = {Path(link["url"]).name for panel in SHOWN for link in panel["links"]}
    assert led <= shown
