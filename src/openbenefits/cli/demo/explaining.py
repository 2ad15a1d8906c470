"""Explaining three people, on screen and as files."""

from rich.console import Console

from openbenefits.cli.demo.stage import Stage
from openbenefits.cli.screen import WIDTH_IN_FILES, console, say
from openbenefits.reports.explain import explain, render
from openbenefits.workforce.models import Person

SHOWN_LINES = 45


def explain_three(stage: Stage, people: list[tuple[str, str, str]]) -> None:
    """Say why some people have what they have; the beginning here, the whole in a file each."""
    for client, title, number in people:
        client_id = stage.clients[client]
        person = Person.objects.get(client_id=client_id, employee_number=number)
        text = render(explain(stage.connection, client_id, person.pk))
        path = stage.output("explain", f"{client}-{number}.txt")
        with path.open("w", encoding="utf-8") as file:
            Console(file=file, width=WIDTH_IN_FILES).print(text)
        lines = path.read_text(encoding="utf-8").splitlines()
        console.print(f"[bold]{number} of {client}, {title}[/]")
        for line in lines[:SHOWN_LINES]:
            say(line)
        say(f"… {max(0, len(lines) - SHOWN_LINES)} more lines in {path}\n")
