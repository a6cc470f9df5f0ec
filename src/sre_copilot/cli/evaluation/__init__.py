"""`sre-copilot eval`: how good the answers are, measured on recordings with known answers; one file a kind."""

from __future__ import annotations

import typer

from sre_copilot.cli.evaluation.agents import agents
from sre_copilot.cli.evaluation.alerts import alerts
from sre_copilot.cli.evaluation.anomalies import anomalies
from sre_copilot.cli.evaluation.ask import ask
from sre_copilot.cli.evaluation.breach import breach
from sre_copilot.cli.evaluation.detectors import detectors
from sre_copilot.cli.evaluation.forecast import forecast
from sre_copilot.cli.evaluation.injection import injection
from sre_copilot.cli.evaluation.intent import intent
from sre_copilot.cli.evaluation.learning import learning
from sre_copilot.cli.evaluation.logs import logs
from sre_copilot.cli.evaluation.nl2query import nl2query
from sre_copilot.cli.evaluation.rca import rca
from sre_copilot.cli.evaluation.retrieval import documents, retrieval
from sre_copilot.cli.evaluation.workflows import workflows

app = typer.Typer(help="Measure quality on recordings with known answers.", no_args_is_help=True)
app.command("rca")(rca)
app.command("agents")(agents)
app.command("ask")(ask)
app.command("injection")(injection)
app.command("anomalies")(anomalies)
app.command("logs")(logs)
app.command("intent")(intent)
app.command("detectors")(detectors)
app.command("forecast")(forecast)
app.command("breach")(breach)
app.command("nl2query")(nl2query)
app.command("retrieval")(retrieval)
app.command("documents")(documents)
app.command("learning")(learning)
app.command("alerts")(alerts)
app.command("workflows")(workflows)


@app.callback()
def group() -> None:
    """Measure quality on recordings with known answers."""
