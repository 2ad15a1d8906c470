"""`openbenefits workflow`: channels checked, stored, published; their log, bench, playbooks."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from openbenefits.cli.clock import now, today
from openbenefits.cli.database import find_client, open_database
from openbenefits.cli.options import ClientCode
from openbenefits.cli.screen import console, say, table_of

app = typer.Typer(
    no_args_is_help=True,
    help="Channels: what happens, and days that come, become tasks, cases, mails and changes.",
    epilog="Examples:  openbenefits workflow ship   ·   openbenefits workflow check channels/*.yaml   ·"
    "   openbenefits workflow bench life-event --client harbor --from 2026-01-01 --through 2026-01-31",
)
Code = Annotated[str, typer.Argument(help="The code of a channel.")]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="YAML files, a channel each.")]
OfClient = Annotated[
    str, typer.Option("--client", help="The client whose channel it is; without one it is the PEO's.")
]
Csv = Annotated[Path | None, typer.Option(dir_okay=False, help="Write all rows to this file.")]
AsOf = Annotated[Any, typer.Option("--as-of", parser=date.fromisoformat, help="The day; today.")]
AUTHOR = "command line"


def _owner(code: str) -> int:
    return find_client(code).pk if code else 0


@app.command()
def check(files: Files) -> None:
    """Check files of channels, and say what is wrong with its place; nothing is stored."""
    open_database()
    from openbenefits.workflow.shipped_channels import findings_of

    count = 0
    for file in files:
        for one in findings_of(file):
            count += 1
            say(one.sentence(), style="red")
    if count:
        raise typer.Exit(1)
    say(f"{len(files)} channels, nothing wrong", style="green")


@app.command()
def apply(
    files: Files,
    client: OfClient = "",
    publish: Annotated[bool, typer.Option("--publish", help="Let them run at once.")] = False,
) -> None:
    """Store channels, each as its next version; they run once they are published."""
    open_database()
    from openbenefits.workflow import services
    from openbenefits.workflow.reading import read_file

    for file in files:
        channel, findings = read_file(file)
        if channel is None:
            for one in findings:
                say(one.sentence(), style="red")
            raise typer.Exit(1)
        made = services.write(None, _owner(client), channel, author=AUTHOR, now=now())
        if publish:
            made = services.publish(None, _owner(client), channel.channel, author=AUTHOR, now=now())
        say(f"{channel.channel}: version {made.version}{', published' if made.published_at else ''}")


@app.command()
def ship() -> None:
    """Store and publish the playbooks that come with the product, as the PEO's; those that are there stay."""
    open_database()
    from openbenefits.workflow.shipped_channels import take_over

    made = take_over(None, author=AUTHOR, now=now())
    say(f"{len(made)} channels published" if made else "they are there already")


@app.command()
def publish(
    code: Code,
    client: OfClient = "",
    version: Annotated[int | None, typer.Option(help="Which one; the last.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Let it run no more.")] = False,
) -> None:
    """Let a version of a channel run, in place of the one that does."""
    open_database()
    from openbenefits.workflow import services

    if end:
        services.unpublish(None, _owner(client), code)
        say(f"{code} runs no more")
        return
    made = services.publish(None, _owner(client), code, author=AUTHOR, now=now(), version=version)
    say(f"{code}: version {made.version} runs", style="green")


@app.command()
def export(code: Code, client: OfClient = "") -> None:
    """Print a channel, as it was written last, as the YAML from which the same can be stored."""
    open_database()
    import yaml

    from openbenefits.workflow import services

    kept = services.channel_of(_owner(client), code)
    last = kept.versions.order_by("-version").first()
    typer.echo(yaml.safe_dump(last.document, sort_keys=False, allow_unicode=True, width=110), nl=False)


@app.command("list")
def list_channels() -> None:
    """List the channels there are, and which version of each runs."""
    open_database()
    from openbenefits.workflow.models import Channel
    from openbenefits.workforce.models import Client

    clients = dict(Client.objects.values_list("pk", "code"))
    for one in Channel.objects.order_by("client_id", "code"):
        runs = f"version {one.published}" if one.published else "not published"
        say(f"{one.code}  {one.name} ({clients.get(one.client_id, 'PEO')}, {runs})")


@app.command()
def log(
    client: ClientCode,
    channel: Annotated[str, typer.Option(help="Only this channel.")] = "",
    outcome: Annotated[str, typer.Option(help="Only this outcome, as created or skipped.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="How many lines, the last first.")] = 50,
    csv: Csv = None,
) -> None:
    """Say what channels looked at: matched or not, created, skipped, and why."""
    connection = open_database()
    from openbenefits.workflow.log import load_log

    found = load_log(connection, find_client(client).pk, channel=channel, outcome=outcome, most=rows)
    _shown(found.drop("client_id", "person_id", "channel_id"), "log", csv)


@app.command()
def replay(
    client: ClientCode,
    letter: Annotated[int | None, typer.Argument(help="The number of a dead letter; without: list.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Give it up.")] = False,
) -> None:
    """Do once more what could not be done, or list it."""
    connection = open_database()
    from openbenefits.workflow import models, services

    letters = models.DeadLetter.objects.filter(client_id=find_client(client).pk)
    if letter is None:
        for one in letters.filter(state="dead").order_by("pk"):
            say(f"{one.pk}  {one.kind} {one.key} {one.item}: {one.told}")
        return
    found = letters.filter(pk=letter).first()
    if found is None:
        raise services.ChannelMissing(f"expected a dead letter of this client, found none of number {letter}")
    if drop:
        services.drop(None, found, now=now())
        say(f"{letter} is given up")
        return
    services.order_again(None, found)
    say(f"{letter}: {services.retry(connection, letter, today=today(), now=now())}")


@app.command()
def bench(
    channel: Annotated[str, typer.Argument(help="The code of a channel, or its YAML file.")],
    client: ClientCode,
    begin: Annotated[Any, typer.Option("--from", parser=date.fromisoformat, help="First day.")],
    through: Annotated[Any, typer.Option(parser=date.fromisoformat, help="Last day.")],
    csv: Csv = None,
) -> None:
    """Say what a channel would have done in days that are past; nothing is written."""
    connection = open_database()
    from openbenefits.workflow.bench import bench as tried

    found = tried(
        connection, _channel(channel, find_client(client).pk), find_client(client).pk, begin, through
    )
    _shown(found.found.drop("person_id"), f"{channel}, {begin} to {through}", csv)
    count = found.counts()
    say(
        f"looked at {count['seen']:,}: would have made {count['created']:,}, skipped {count['skipped']:,},"
        f" not matched {count['not_matched']:,}"
    )
    for one in found.notes:
        say(one, style="yellow")


def _channel(said: str, client_id: int) -> Any:
    from openbenefits.workflow import models, services
    from openbenefits.workflow.channels import stored
    from openbenefits.workflow.reading import read_file
    from openbenefits.workflow.shipped_channels import shipped

    if Path(said).is_file():
        channel, findings = read_file(Path(said))
        if channel is None:
            raise services.ChannelRefused("; ".join(one.sentence() for one in findings), findings)
        return channel
    kept = models.ChannelVersion.objects.filter(channel__code=said, channel__client_id__in=(0, client_id))
    last = kept.order_by("-channel__client_id", "-version").first()
    if last is not None:
        return stored(last.document)
    if said in shipped():
        return shipped()[said]
    raise services.ChannelMissing(f"expected a channel or its file, found neither of '{said}'")


@app.command()
def due(client: ClientCode, as_of: AsOf = None) -> None:
    """Let the scheduled channels of a client look at a day, as the worker does every day."""
    connection = open_database()
    from openbenefits.workflow.scheduled import run_schedules

    made = run_schedules(connection, find_client(client).pk, today=as_of or today(), now=now())
    for code, count in made.items():
        say(f"{code}: {count} made")


@app.command()
def start(
    code: Code,
    client: ClientCode,
    record: Annotated[str, typer.Option(help="The key of the record; the client itself.")] = "",
) -> None:
    """Start a channel by hand for a record."""
    connection = open_database()
    from openbenefits.workflow import services

    found = find_client(client).pk
    made = services.start(None, connection, found, code, record or str(found), today=today(), now=now())
    say(f"{made} made")


@app.command()
def progress(
    client: ClientCode,
    playbook: Annotated[str, typer.Option(help="Only this playbook.")] = "",
    as_of: AsOf = None,
    csv: Csv = None,
) -> None:
    """List the steps of playbooks: due, done by whom, and whether data bears it out."""
    connection = open_database()
    from openbenefits.workflow.progress import progress as steps

    found = steps(connection, find_client(client).pk, today=as_of or today(), playbook=playbook)
    names = (
        "playbook",
        "key",
        "employee_number",
        "step",
        "due_on",
        "stands",
        "done_on",
        "done_by",
        "is_proved",
    )
    _shown(found.select(*names, "told"), "progress of playbooks", csv)


def _shown(found: Any, title: str, csv: Path | None) -> None:
    from openbenefits.reports.files import write_csv

    console.print(table_of(found.head(200), title=f"{title}: {found.height:,} rows"))
    if csv is not None:
        for written in write_csv(csv, {"Report": found}):
            say(f"Written: {written}")
