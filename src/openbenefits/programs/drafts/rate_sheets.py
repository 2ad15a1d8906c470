"""A carrier's rate sheet into a draft: what its columns mean is remembered, its rates shown, then kept."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import yaml

from openbenefits.programs.drafts.records import Key, plain_record
from openbenefits.programs.drafts.services import DraftRefused, Hand, opened, put, put_file
from openbenefits.programs.frames import PEO
from openbenefits.programs.loaded import LoadedBundle
from openbenefits.programs.models import Draft, RateLayout
from openbenefits.programs.nodes import BundleLoader, value_of
from openbenefits.programs.ratesheets import labels
from openbenefits.programs.ratesheets.importing import RateOrder, RatePreview, preview_rates
from openbenefits.programs.ratesheets.reading import headings_in
from openbenefits.programs.sections.rates import RateTablePart
from openbenefits.programs.services import loaded_in_force

MEANINGS = (*labels.HEADINGS, "")
"""What a column may mean; '' leaves it out."""
LARGEST_SHEET = 4 * 2**20
_NAME = re.compile(r"[^A-Za-z0-9._ -]")


@dataclass(frozen=True, kw_only=True)
class SheetOrder:
    """A sheet as it was uploaded, and what its rates are to become."""

    name: str
    data: bytes
    table: str
    valid_from: date
    source: str
    sheet_name: str | None = None
    mapped: Mapping[str, str] | None = None  # None: as remembered, else by the words of the headings


@dataclass(frozen=True, kw_only=True)
class SheetPreview:
    """What a sheet would do: its headings with what they are taken for, and the rates it changes."""

    headings: Mapping[str, str | None]
    preview: RatePreview


def preview_sheet(client_id: int, bundle: LoadedBundle | None, order: SheetOrder) -> SheetPreview:
    """Read a sheet against set-up (a draft's, or that in force) and say what it changes; nothing is kept.

    Errors: DraftRefused for a sheet that is too large, or where there is no set-up to put it into;
            store.sheets.FileRefused for a file that cannot be read.
    """
    if bundle is None:
        raise DraftRefused("expected set-up without faults, found some; correct the draft first")
    if len(order.data) > LARGEST_SHEET:
        raise DraftRefused(f"expected at most {LARGEST_SHEET // 2**20} MB, found more; split the sheet")
    with TemporaryDirectory(prefix="openbenefits-rates-") as folder:
        root = Path(folder)
        path = root / (_NAME.sub("_", Path(order.name).name) or "sheet.csv")
        path.write_bytes(order.data)
        found = headings_in(path, order.sheet_name)
        mapped = dict(order.mapped if order.mapped is not None else remembered(client_id, found))
        rate_order = RateOrder(
            folder=root / "bundle",
            table=order.table,
            sheet=path,
            valid_from=order.valid_from,
            source=order.source,
            sheet_name=order.sheet_name,
            bundle=bundle,
            mapped=mapped,
        )
        preview = preview_rates(rate_order, loaded_in_force(PEO))
    taken = {one: mapped[one] if one in mapped else labels.heading_of(one) for one in found}
    return SheetPreview(headings=taken, preview=preview)


def keep_sheet(draft: Draft, order: SheetOrder, *, by: Hand) -> Key:
    """Put the rates of a sheet into a draft, as a new version of their table; remember what columns meant.

    Errors: as `preview_sheet`; DraftRefused for a sheet with faults.
    """
    shown = preview_sheet(draft.client_id, opened(draft).reading.bundle, order)
    if not shown.preview.is_applicable:
        raise DraftRefused(
            f"{order.name}: expected a sheet without faults, found some; correct what is listed"
        )
    texts = {path.name: text for path, text in shown.preview.texts.items()}
    (part,) = (_table_in(text) for name, text in texts.items() if name.endswith(".yaml"))
    for name, text in texts.items():
        if name.endswith(".csv"):
            put_file(draft, name, text, by=by)
    key = put(draft, "rate_tables", _own_key(draft, part), plain_record(part), by=by)
    if order.mapped:
        remember(draft.client_id, list(shown.headings), order.mapped, by=by)
    return key


def _own_key(draft: Draft, part: RateTablePart) -> Key | None:
    """Answer the key of the version the same sheet made before, if it did."""
    key = (part.code, part.valid_from.isoformat())
    return key if opened(draft).record("rate_tables", key) is not None else None


def _table_in(text: str) -> RateTablePart:
    root = yaml.compose(text, Loader=BundleLoader)
    plain = value_of(root) if root is not None else {}
    return msgspec.convert(plain["rate_tables"][0], RateTablePart)


def layout_of(headings: list[str]) -> str:
    """Answer what is the same for the same headings only."""
    return hashlib.sha256("\x1f".join(headings).encode()).hexdigest()


def remembered(client_id: int, headings: list[str]) -> dict[str, str]:
    """Answer what the headings of a layout were said to mean before; nothing if nobody said."""
    found = RateLayout.objects.filter(client_id=client_id, layout=layout_of(headings)).first()
    return dict(found.headings) if found else {}


def remember(client_id: int, headings: list[str], mapped: Mapping[str, str], *, by: Hand) -> None:
    """Keep what the headings of a layout mean, for the next sheet of the same kind."""
    RateLayout.objects.update_or_create(
        client_id=client_id,
        layout=layout_of(headings),
        defaults={"headings": dict(mapped), "saved_by": by.name, "saved_at": by.now},
    )
