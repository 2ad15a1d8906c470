"""From the set-up the oracle reads to the folder of files people write: geographies leave for CSV files."""

from .rows import Row


def as_written(bundle: Row) -> tuple[Row, dict[str, str]]:
    """Give the document of a bundle as YAML would hold it, and the texts of its CSV files by name."""
    files, geographies = {}, []
    for geography in bundle.get("geographies") or []:
        name = f"{geography['code']}.csv"
        lines = [_line(zips, area or "") for zips, area in geography["zips"].items()]
        files[name] = "\n".join(["zip,zip_from,zip_to,area", *lines]) + "\n"
        kept = {key: value for key, value in geography.items() if key != "zips"}
        geographies.append({**kept, "file": name})
    return {**bundle, "geographies": geographies}, files


def _line(zips: str, area: str) -> str:
    """Write a zip, or a range `10001-10010` of them."""
    low, _, high = zips.partition("-")
    return f",{low},{high},{area}" if high else f"{zips},,,{area}"
