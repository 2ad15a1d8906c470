"""`openbenefits carriers partner`: agreements listed, shown in words, put into force, and their schema."""

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from openbenefits.cli.carrier_lists import text_of as text_in
from openbenefits.cli.clock import now
from openbenefits.cli.database import find_client, open_database, prepare
from openbenefits.cli.options import By, File
from openbenefits.cli.screen import console, say, table_of

app = typer.Typer(no_args_is_help=True, help="What is agreed with each partner.", rich_markup_mode="rich")

Code = Annotated[str, typer.Argument(metavar="PARTNER", help="The code of the partner.")]
Client = Annotated[
    str | None, typer.Option("--client", "-c", metavar="CODE", help="The client; none: the PEO, for all.")
]


@app.command("list")
def list_(client: Client = None) -> None:
    """List the partners of a client, with the PEO's."""
    open_database()
    from openbenefits.carriers.agreements.partners import partners_of

    found = partners_of(find_client(client).pk if client else 0)
    rows = [
        (code, one.name, ", ".join(one.carriers), one.kind, one.environment) for code, one in found.items()
    ]
    schema = dict.fromkeys(("partner", "name", "plans_of", "takes", "environment"), pl.String)
    console.print(table_of(pl.DataFrame(rows, schema=schema, orient="row"), title="Partners"))


@app.command()
def show(
    code: Code,
    client: Client = None,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="As the YAML that `load` takes.")] = False,
) -> None:
    """Show what is agreed with a partner, in words or as YAML."""
    open_database()
    from openbenefits.carriers.agreements.partners import partner_of
    from openbenefits.carriers.agreements.text import text_of
    from openbenefits.carriers.agreements.words import in_words

    _owner, version, partner = partner_of(find_client(client).pk if client else 0, code)
    if as_yaml:
        console.print(text_of(partner), markup=False, soft_wrap=True)
        return
    rows = pl.DataFrame(in_words(partner), schema=["what", "is agreed"], orient="row")
    console.print(table_of(rows, title=f"{partner.name}, version {version}"))


@app.command()
def check(client: Client = None) -> None:
    """List the plans and tiers on offer that an agreement has no code for; ends with 1 if there are any."""
    connection = open_database()
    from openbenefits.carriers.agreements.checking import CARRIER, uncoded
    from openbenefits.workforce.models import Client as Employer

    codes = {find_client(client).pk: client} if client else dict(Employer.objects.values_list("id", "code"))
    rows = uncoded(connection, list(codes))
    if rows.is_empty():
        say("Every plan and tier on offer has a code of its partner.", style="green")
        return
    whose = pl.col("client_id").replace_strict(codes, return_dtype=pl.String)
    named = rows.select(whose.alias("client"), *rows.columns[1:])
    console.print(table_of(named, title="What agreements have no word for"))
    if (rows["what"] != CARRIER).any():
        raise typer.Exit(1)


@app.command()
def load(
    file: File,
    code: Annotated[str, typer.Option("--code", metavar="PARTNER", help="The code of the partner.")],
    client: Client = None,
    by: By = "administrator",
) -> None:
    """Put an agreement into force; a fault is told with its line. The same again makes no version."""
    open_database()
    from openbenefits.carriers.agreements.partners import save_partner
    from openbenefits.carriers.agreements.text import read_text

    text = text_in(file)
    owner = find_client(client).pk if client else 0
    version = save_partner(owner, code, read_text(text), author=by, now=now())
    say(f"Version {version} of {code} is in force.", style="green")


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", help="A file to write it to.")] = None,
) -> None:
    """Print the JSON Schema of agreements."""
    prepare()
    from openbenefits.carriers.agreements.text import schema_text

    if out is None:
        console.print(schema_text(), markup=False, soft_wrap=True)
        return
    out.write_text(schema_text(), "utf-8")
