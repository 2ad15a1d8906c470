"""What the codes of TA1 and 999 say, in plain words (carrier-feeds §7)."""

ANSWERS = {
    "A": "accepted",
    "E": "accepted, with errors noted",
    "P": "accepted in part",
    "R": "rejected",
    "M": "rejected: the authentication code is wrong",
    "W": "rejected: the assurance code is wrong",
    "X": "rejected: it could not be decrypted",
}
TAKEN = ("A", "E")
"""The answers by which a set or a group is taken; `P` takes those of its sets that are."""

NOTES = {
    "000": "no error",
    "001": "the control numbers of ISA and IEA differ",
    "002": "this version of the standard is not taken",
    "003": "this version of the control segments is not taken",
    "004": "the segment terminator is wrong",
    "005": "the qualifier of the sender's id is wrong",
    "006": "the sender's id is wrong",
    "007": "the qualifier of the receiver's id is wrong",
    "008": "the receiver's id is wrong",
    "009": "the receiver is not known",
    "010": "the authorization qualifier is wrong",
    "011": "the authorization is wrong",
    "012": "the security qualifier is wrong",
    "013": "the security information is wrong",
    "014": "the date of the interchange is wrong",
    "015": "the time of the interchange is wrong",
    "016": "the standards identifier is wrong",
    "017": "the version of the interchange is wrong",
    "018": "the control number of the interchange is wrong",
    "019": "the request for an acknowledgement is wrong",
    "020": "the flag for test or production is wrong",
    "021": "the number of groups is wrong",
    "022": "the control structure is wrong",
    "023": "the file ends too early",
    "024": "something in the interchange is wrong",
    "025": "a file with this control number was received before",
    "026": "the element separator is wrong",
    "027": "the component separator is wrong",
    "028": "the delivery date is wrong",
    "029": "the delivery time is wrong",
    "030": "the delivery time code is wrong",
    "031": "the grade of service is wrong",
}
SEGMENTS = {
    "1": "a segment nobody knows",
    "2": "a segment that is not expected here",
    "3": "a segment that must be there is missing",
    "4": "a loop occurs too often",
    "5": "a segment occurs too often",
    "6": "a segment that this kind of file does not have",
    "7": "a segment out of order",
    "8": "a segment with wrong elements",
    "I4": "a segment the guide does not use",
    "I6": "a segment the guide wants here is missing",
    "I7": "a loop occurs less often than the guide wants",
    "I8": "a segment occurs less often than the guide wants",
    "I9": "a segment the guide does not use in this case",
}
ELEMENTS = {
    "1": "must be there and is missing",
    "2": "must be there, given what else is, and is missing",
    "3": "is one too many",
    "4": "is too short",
    "5": "is too long",
    "6": "holds a character that is not allowed",
    "7": "holds a code nobody knows",
    "8": "is no day",
    "9": "is no time of day",
    "10": "may not stand beside what else is there",
    "11": "is repeated too often",
    "12": "is repeated too often",
    "13": "has too many components",
    "I6": "holds a code the guide does not allow",
    "I9": "is wanted by the guide in this case and is missing",
    "I10": "is not used by the guide",
    "I11": "is repeated less often than the guide wants",
    "I12": "does not match the pattern the guide wants",
    "I13": "is not used by the guide in this case",
}
SETS = {
    "1": "this kind of transaction set is not taken",
    "2": "SE is missing",
    "3": "the control numbers of ST and SE differ",
    "4": "SE counts other segments than there are",
    "5": "some of its segments are in error",
    "6": "its identifier is wrong",
    "7": "its control number is missing or wrong",
    "8": "the authentication key name is not known",
    "9": "the encryption key name is not known",
    "10": "this service is not available",
    "11": "the recipient of the security is not known",
    "12": "the message is too short or too long for its security",
    "13": "the security could not be checked",
    "15": "the security originator is not known",
    "16": "the syntax error in decrypted text",
    "17": "security is not supported",
    "18": "it stands in a group of another kind",
    "19": "its kind is not in the group it says",
    "23": "its control number occurs twice in the group",
    "24": "the security end segment is missing or wrong",
    "25": "the security start segment is missing or wrong",
    "26": "the security control numbers differ",
    "27": "the security could not be used",
    "I5": "it breaks its guide",
    "I6": "this guide is not taken",
}
GROUPS = {
    "1": "this kind of group is not taken",
    "2": "this version of the group is not taken",
    "3": "GE is missing",
    "4": "the control numbers of GS and GE differ",
    "5": "GE counts other sets than there are",
    "6": "its control number is wrong",
    "10": "the authentication key name is not known",
    "11": "the encryption key name is not known",
    "12": "this service is not available",
    "13": "the recipient of the security is not known",
    "14": "the decryption failed",
    "15": "the security originator is not known",
    "16": "the syntax of decrypted text is wrong",
    "17": "security is not supported",
    "18": "the length of the message is wrong for its security",
    "19": "its security could not be checked",
    "23": "the security end segment is missing or wrong",
    "24": "the security start segment is missing or wrong",
    "25": "the security control numbers differ",
    "26": "the security could not be used",
}
LISTS = {"interchange": NOTES, "group": GROUPS, "set": SETS, "segment": SEGMENTS, "element": ELEMENTS}


def said(level: str, code: str) -> str:
    """Say a code of a level in words; one that is not known is named.

    >>> said("segment", "3")
    'a segment that must be there is missing'
    """
    return LISTS[level].get(code, f"code {code or 'left empty'}, which is not known here")


def answered(code: str) -> str:
    """Say an answer (TA104, IK501, AK901) in words."""
    return ANSWERS.get(code, f"answered {code or 'nothing'}, which is not known here")
