from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fitq_shared.errors import BadJob, StoreError
