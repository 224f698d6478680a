"""Pictures of the pages, for people to look at: light, dark and on a phone, in `artefacts/screenshots`."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboard.conftest import Window
from tests.dashboard.test_for_everybody import each_page
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.servers import PROJECT
from tests.world import Person

FOLDER = PROJECT / "artefacts" / "screenshots"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 740}, "device_scale_factor": 2},
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_has_its_picture(
    windows: Callable[..., Window], olive: Person, paths: dict[str, str], look: str
) -> None:
    folder = FOLDER / look
    shutil.rmtree(folder, ignore_errors=True)
    for name, page in each_page(windows, olive, paths, **LOOKS[look]):
        page.screenshot(path=folder / f"{name.replace(' ', '-')}.png", full_page=True)
    assert len(list(folder.glob("*.png"))) == len(paths)
