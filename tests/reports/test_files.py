"""Lists as files: a page says everything the frames say, and nothing of it runs."""

import polars as pl

from openbenefits.reports.files import write_html


def test_a_page_has_a_table_for_each_list_and_runs_nothing(tmp_path):
    people = pl.DataFrame({"code": ["HR2001"], "found": ["<script>x</script> & none"], "cure": [None]})
    nothing = pl.DataFrame(schema={"code": pl.String})
    (path,) = write_html(tmp_path / "audit.html", {"people": people, "set-up": nothing})
    page = path.read_text(encoding="utf-8")
    assert "<td>HR2001</td><td>&lt;script&gt;x&lt;/script&gt; &amp; none</td><td></td>" in page
    assert page.index("<h2>people</h2>") < page.index("<h2>set-up</h2>") < page.index("<p>None.</p>")
    assert "<script>" not in page
    assert [one.name for one in tmp_path.iterdir()] == ["audit.html"]
