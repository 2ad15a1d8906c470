"""Every story of the repository is true, and every one is a test of its own."""

from pathlib import Path

import pytest

from openbenefits.scenarios.services import play_file, story_files

STORIES = Path(__file__).parents[2] / "scenarios"
FILES = sorted(story_files([STORIES]))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_story_is_true(file):
    result = play_file(file)
    assert result.is_met, "\n" + "\n".join(result.sentences())


def test_there_are_as_many_stories_as_promised():
    assert len(FILES) >= 25
