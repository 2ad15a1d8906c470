import os
import subprocess
import sys

import pytest

from openbenefits.accounts.models import User
from openbenefits.store import server

CHILD = """
import multiprocessing
from openbenefits.store import boot
boot()
from openbenefits.accounts.models import User
print(multiprocessing.get_start_method(), User.objects.get().username)
"""


@pytest.mark.parametrize("name", ["first", "second"])
def test_each_test_has_a_database_of_its_own(fresh_database, name):
    assert not User.objects.exists()
    User.objects.create(username=name)


def test_a_child_process_finds_the_same_database(fresh_database):
    User.objects.create(username="someone")
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert done.stdout == "spawn someone\n"


def test_importing_the_settings_starts_nothing(tmp_path):
    hidden = {"DATABASE_URL", "OPENBENEFITS_KEYS_FOLDER"}
    environment = {k: v for k, v in os.environ.items() if k not in hidden} | {
        "OPENBENEFITS_HOME": str(tmp_path)
    }
    probe = "from openbenefits.settings import *; print(DATABASES['default']['HOST'], len(SECRET_KEY))"
    done = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{tmp_path}/default 44\n"
    assert not server.status(tmp_path / "default")
