"""Where the development data lies (see CONTRIBUTING), and the messages in it."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("WASL_SAMPLE_DATA") or ROOT / "../shared/data")


@pytest.fixture
def samples() -> Path:
    if not (SAMPLES / "mime").is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"no development data in {SAMPLES}")
        pytest.skip("needs the development data: WASL_SAMPLE_DATA=/path/to/data")
    return SAMPLES
