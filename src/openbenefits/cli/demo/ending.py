"""The end of the demo: what was done, how long it took, where the files are, what is missing, what to try."""

from openbenefits.cli.demo.faces import show_links
from openbenefits.cli.demo.stage import Stage
from openbenefits.cli.screen import console, say
from openbenefits.store import server

NOT_YET = ("letters and premiums of COBRA, ACA",)
TRY = (
    "openbenefits --help",
    "openbenefits setup check sample/clients/harbor --peo sample/peo   (break a file first)",
    "openbenefits sample /tmp/sample --people 20000",
    "openbenefits scenario run scenarios",
    "make bench",
)


def say_farewell(stage: Stage, seconds: float) -> None:
    """Print the summary."""
    console.rule("[bold]Done", align="left")
    for title, taken in stage.seconds.items():
        say(f"{taken:6.1f} s  {title}")
    whole = f"{stage.files.people:,} employees of {len(stage.files.clients)} clients"
    say(f"{seconds:6.1f} s  in all, for {whole}\n")
    say("Where the files are:", style="bold")
    for place in sorted(path for path in stage.folder.iterdir() if path.is_dir()):
        count = sum(1 for file in place.rglob("*") if file.is_file())
        say(f"  {place}: {count} files")
    say(f"  the database: {server.connect_info('demo')}   (psql connects to it; the next demo drops it)\n")
    say("What this does not do yet:", style="bold")
    for line in NOT_YET:
        say(f"  - {line}")
    say("\nWhat to try next:", style="bold")
    for line in TRY:
        say(f"  {line}")
    url = server.connect_info("demo")
    keys = server.data_folder("demo")
    say(f'  DATABASE_URL="{url}" OPENBENEFITS_KEYS_FOLDER="{keys}.keys" openbenefits report BAS003')
    say("\nTo look at it as an administrator, an employee, a broker:", style="bold")
    say("  openbenefits serve --demo   (prints the address and a link for each role; Ctrl-C ends it)")
    show_links()
