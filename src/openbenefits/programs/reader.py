"""Reading a bundle: a folder of YAML and CSV files becomes a `LoadedBundle`, or a list of findings.

All faults of a folder are listed at once as far as they can be told apart, each with its file and line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from openbenefits.programs import nodes, values
from openbenefits.programs.bundle import ClientBundle, PeoBundle
from openbenefits.programs.findings import Finding, has_errors
from openbenefits.programs.loaded import LoadedBundle, Place, is_inside, load, named_files
from openbenefits.programs.shape import Tree, describe

_KINDS: dict[str, type[PeoBundle | ClientBundle]] = {"peo": PeoBundle, "client": ClientBundle}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What came of reading a folder: a bundle if nothing was wrong, and what was."""

    bundle: LoadedBundle | None
    findings: list[Finding]


def read(folder: Path) -> Reading:
    """Read a folder as a bundle.

    Errors: none are raised for what stands in the files; a folder that cannot be read is a finding too.
    """
    roots, findings = _roots(folder)
    if not roots:
        return Reading(bundle=None, findings=findings)
    is_whole = all(finding.code != "yaml" for finding in findings)
    root, faults = _merged(roots)
    findings += faults
    kind = _kind(root)
    if kind is None:
        if is_whole:
            findings.append(_no_header(folder, root))
        return Reading(bundle=None, findings=findings)
    tree = Tree(root, kind)
    parts = tree.read()
    findings += [one for one in tree.findings if is_whole or one.code != "missing"]
    if parts is None or has_errors(findings):
        return Reading(bundle=None, findings=findings)
    return _with_files(folder, root, parts)


def _with_files(folder: Path, root: MappingNode, parts: PeoBundle | ClientBundle) -> Reading:
    """Go on with a bundle of the right shape: check its values, read its CSV files."""
    places = dict(_places(root, ()))
    findings = [_value_finding(root, fault, places) for fault in values.value_faults(parts)]
    files, faults = _texts(folder, root, parts, places)
    if any(finding.code == "size" for finding in findings):  # too large to be put into columns
        return Reading(bundle=None, findings=findings + faults)
    bundle, sheet_faults = load(parts, files, places)
    findings += faults + sheet_faults
    return Reading(bundle=None if has_errors(findings) else bundle, findings=findings)


def _roots(folder: Path) -> tuple[list[Node], list[Finding]]:
    """Compose every YAML file of the folder."""
    roots: list[Node] = []
    findings: list[Finding] = []
    for file in _yaml_files(folder):
        try:
            root = nodes.compose(file)
        except yaml.YAMLError as error:
            findings.append(nodes.unreadable(error, file.name))
            continue
        if root is not None:
            findings += nodes.repair(root)
            roots.append(root)
    if not roots and not findings:
        cure = "Name the folder that holds the YAML files of one bundle."
        findings.append(_folder_finding(folder, "a folder with *.yaml files", "none", cure))
    return roots, findings


def _yaml_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"} and file.is_file())


def _merged(roots: list[Node]) -> tuple[MappingNode, list[Finding]]:
    """Join the sections of all files: lists are appended, anything else may stand once only."""
    sections: dict[str, tuple[Node, Node]] = {}
    findings: list[Finding] = []
    for root in roots:
        if not isinstance(root, MappingNode):
            findings.append(_misplaced(root, "sections (`programs:`, `rate_tables:` …)", nodes.kind_of(root)))
            continue
        for key, value in root.value:
            known = sections.setdefault(key.value, (key, value))[1]
            if known is value:
                continue
            if isinstance(known, SequenceNode) and isinstance(value, SequenceNode):
                sections[key.value] = (key, _joined(known, value))
            else:
                findings.append(_misplaced(key, f"`{key.value}` in one file only", "it again"))
    pairs = list(sections.values())
    return MappingNode("", pairs, roots[0].start_mark, roots[0].end_mark), findings


def _joined(first: SequenceNode, second: SequenceNode) -> SequenceNode:
    return SequenceNode(first.tag, [*first.value, *second.value], first.start_mark, first.end_mark)


def _kind(root: MappingNode) -> type[PeoBundle | ClientBundle] | None:
    """Find out which kind of bundle this is, from its header."""
    header = next((value for key, value in root.value if key.value == "bundle"), None)
    if not isinstance(header, MappingNode):
        return None
    kind = next((value for key, value in header.value if key.value == "kind"), None)
    return _KINDS.get(kind.value) if isinstance(kind, ScalarNode) else None


def _no_header(folder: Path, root: MappingNode) -> Finding:
    expected = "`bundle: {kind: peo or client, code: …, name: …}`"
    header = next((key for key, _ in root.value if key.value == "bundle"), None)
    if header is not None:
        return _misplaced(header, expected, "another header")
    return _folder_finding(folder, expected, "no header", "Add the header to one of the files.")


def _folder_finding(folder: Path, expected: str, found: str, cure: str) -> Finding:
    return Finding(
        code="folder", where=folder.name, expected=expected, found=found, cure=cure, file=str(folder)
    )


def _misplaced(node: Node, expected: str, found: str) -> Finding:
    file, line = nodes.place(node)
    where, cure = f"{file}, line {line}", "Correct the file."
    return Finding(
        code="sections", where=where, expected=expected, found=found, cure=cure, file=file, line=line
    )


def _places(node: Node, path: values.Path) -> Iterator[tuple[values.Path, Place]]:
    """List where every value of a tree stands."""
    if path:
        yield path, nodes.place(node)
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _places(value, (*path, key.value))
    if isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield from _places(value, (*path, index))


def _value_finding(root: MappingNode, fault: values.ValueFault, places: dict[values.Path, Place]) -> Finding:
    file, line = places[fault.path]
    return Finding(
        code=fault.code,
        where=describe(root, fault.path),
        expected=fault.expected,
        found=fault.found,
        cure=fault.cure,
        file=file,
        line=line,
    )


def _texts(
    folder: Path, root: MappingNode, parts: PeoBundle | ClientBundle, places: dict[values.Path, Place]
) -> tuple[dict[str, str], list[Finding]]:
    """Read the texts of the CSV files a bundle names."""
    texts: dict[str, str] = {}
    faults: dict[str, Finding] = {}
    for path, name in named_files(parts):
        if name in texts or name in faults:
            continue
        try:
            texts[name] = _text(folder, name)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            found = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "none that can be read"
            cure = "Put the file into the folder of the bundle, or correct its name."
            fault = values.ValueFault(path, "file", f"the CSV file {name}", found, cure)
            faults[name] = _value_finding(root, fault, places)
    return texts, list(faults.values())


def _text(folder: Path, name: str) -> str:
    if not is_inside(name):
        raise ValueError(name)
    text = (folder / name).read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        raise ValueError(name)
    return text
