"""The subjects an ad hoc report may be about, by name."""

from openbenefits.adhoc.declared import Subject
from openbenefits.adhoc.subjects import money, people, processing

SUBJECTS: dict[str, Subject] = {
    one.name: one for one in (*people.SUBJECTS, *processing.SUBJECTS, *money.SUBJECTS)
}
