"""A 999 of the receiver of the sample's medical carrier, as tests want one."""


def judged(group: int, control_number: str, *, code: str = "A", number: int = 7) -> bytes:
    """Judge the only set of a group: A taken, R refused."""
    first = "ISA*00*          *00*          *ZZ*HMOBLUE        *30*043210987      "
    said = [
        f"{first}*261122*0300*^*00501*{number:09d}*0*T*:",
        f"GS*FA*HMOBLUE*043210987*20261122*0300*{number}*X*005010X231A1",
        "ST*999*0001*005010X231A1",
        f"AK1*BE*{group}*005010X220A1",
        f"AK2*834*{control_number}*005010X220A1",
        f"IK5*{code}" + ("*5" if code == "R" else ""),
        f"AK9*{code}*1*1*{int(code == 'A')}",
        "SE*6*0001",
        f"GE*1*{number}",
        f"IEA*1*{number:09d}",
    ]
    return ("~\n".join(said) + "~\n").encode()
