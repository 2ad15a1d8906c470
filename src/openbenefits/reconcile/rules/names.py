"""Names as carriers print them, brought into one form to be compared."""

import polars as pl

SUFFIXES = r"\b(JR|SR|II|III|IV|MD|PHD)$"


def normal(name: pl.Expr) -> pl.Expr:
    """Write a name in capitals without accents, punctuation and suffixes.

    Compounds become words of their own.

    >>> names = pl.DataFrame({"name": ["O'Brien-Núñez, Jr.", " de la Cruz III", None]})
    >>> names.select(normal(pl.col("name"))).to_series().to_list()
    ['OBRIEN NUNEZ', 'DE LA CRUZ', None]
    """
    bare = name.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_uppercase()
    bare = bare.str.replace_all(r"['’`.]", "").str.replace_all(r"[^A-Z ]", " ")
    bare = bare.str.replace_all(r"\s+", " ").str.strip_chars(" ")
    return bare.str.replace(SUFFIXES, "").str.strip_chars(" ")


def last_of(full: pl.Expr) -> pl.Expr:
    """Take the last name of a full one: what stands before a comma, else the last word.

    >>> names = pl.DataFrame({"n": ["Doe, Jane Q", "Jane Q Doe", "Doe"]})
    >>> names.select(last_of(pl.col("n"))).to_series().to_list()
    ['Doe', 'Doe', 'Doe']
    """
    before = full.str.extract(r"^([^,]+),", 1)
    bare = full.str.strip_chars(" ").str.replace(r"(?i)[, ]+(jr|sr|ii|iii|iv)\.?$", "")
    return pl.coalesce(before, bare.str.extract(r"(\S+)$", 1)).str.strip_chars(" ")


def first_of(full: pl.Expr) -> pl.Expr:
    """Take the first name of a full one, without the middle initial.

    >>> names = pl.DataFrame({"n": ["Doe, Jane Q", "Jane Q Doe", "Doe"]})
    >>> names.select(first_of(pl.col("n"))).to_series().to_list()
    ['Jane', 'Jane', None]
    """
    after = full.str.extract(r",\s*(\S+)", 1)
    front = full.str.strip_chars(" ").str.extract(r"^(\S+)\s+\S", 1)
    return pl.when(full.str.contains(",", literal=True)).then(after).otherwise(front)
