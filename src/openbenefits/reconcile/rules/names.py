"""Names as carriers print them, brought into one form to be compared."""

import polars as pl

CALLED = {
    "ALEXANDER": "ALEC SANDY", "ANDREW": "ANDY DREW", "ANTHONY": "TONY", "BARBARA": "BARB BARBIE",
    "BENJAMIN": "BEN BENNY", "CATHERINE": "CATHY", "CHARLES": "CHARLIE CHUCK", "CHRISTOPHER": "TOPHER",
    "DANIEL": "DAN DANNY", "DAVID": "DAVE DAVEY", "DEBORAH": "DEB DEBBIE DEBRA", "DONALD": "DON DONNIE",
    "DOROTHY": "DOT DOTTIE", "EDWARD": "ED EDDIE TED NED", "ELIZABETH": "LIZ LIZZIE BETH BETTY BETSY ELIZA",
    "EUGENE": "GENE", "FRANCISCO": "PACO PANCHO", "FREDERICK": "FRED FREDDY", "GERALD": "GERRY JERRY",
    "GREGORY": "GREG", "GUADALUPE": "LUPE", "HENRY": "HANK HARRY", "IGNACIO": "NACHO", "JACOB": "JAKE",
    "JAMES": "JIM JIMMY JAMIE", "JEFFREY": "JEFF", "JESUS": "CHUY", "JOHN": "JACK JOHNNY", "JONATHAN": "JON",
    "JOSE": "PEPE", "JOSEPH": "JOE JOEY", "JOSHUA": "JOSH", "KATHERINE": "KATE KATIE KATHY KAT",
    "KENNETH": "KEN KENNY", "KIMBERLY": "KIM", "LAWRENCE": "LARRY", "LEONARD": "LEN LENNY",
    "MARGARET": "MAGGIE PEG PEGGY MEG", "MATTHEW": "MATT", "MICHAEL": "MIKE MIKEY MICK", "NATHANIEL": "NATE",
    "NICHOLAS": "NICK", "PATRICIA": "PATTY TRISH", "PETER": "PETE", "PHILIP": "PHIL", "RAYMOND": "RAY",
    "RICHARD": "RICK RICH DICK RICHIE RICKY", "ROBERT": "BOB BOBBY ROB ROBBIE", "RONALD": "RON RONNIE",
    "SAMUEL": "SAM SAMMY", "STEPHEN": "STEVE STEVEN", "SUSAN": "SUE SUZIE", "THEODORE": "TEDDY THEO",
    "THERESA": "TERESA TERRI", "THOMAS": "TOM TOMMY", "TIMOTHY": "TIM TIMMY", "VICTORIA": "VICKY TORI",
    "VINCENT": "VINNY VINCE", "WALTER": "WALT", "WILLIAM": "BILL BILLY WILL LIAM", "ZACHARY": "ZACH ZACK",
}  # fmt: skip
"""First names, and what people of that name are called; what may be short for two names is left out."""

_FORMAL = {short: name for name, shorts in CALLED.items() for short in shorts.split()}

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


def formal(first: pl.Expr) -> pl.Expr:
    """Answer what a first name, as `normal` writes it, is short for; itself, where it is not known to be.

    >>> names = pl.DataFrame({"name": ["BOB", "ROBERT", "ZELDA", None]})
    >>> names.select(formal(pl.col("name"))).to_series().to_list()
    ['ROBERT', 'ROBERT', 'ZELDA', None]
    """
    return first.replace(_FORMAL)


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
