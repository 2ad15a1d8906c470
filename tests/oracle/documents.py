"""From the set-up the oracle reads to the folder of files people write: geographies leave for CSV files."""

from .rows import Row


def as_written(bundle: Row) -> tuple[Row, dict[str, str]]:
    """Give the document of a bundle as YAML would hold it, and the texts of its CSV files by name."""
    files, geographies = {}, []
    for geography in bundle.get("geographies") or []:
        name = f"{geography['code']}.csv"
        lines = [f"{zip_code},{area or ''}" for zip_code, area in geography["zips"].items()]
        files[name] = "\n".join(["zip,area", *lines]) + "\n"
        kept = {key: value for key, value in geography.items() if key != "zips"}
        geographies.append({**kept, "file": name})
    return {**bundle, "geographies": geographies}, files
