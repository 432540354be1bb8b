"""Tables, images and texts from the command line's side to the saved model, through a worker."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fitq.data.adding import Draft, add_dataset
from fitq.prediction_rows import rows_of
from fitq.queue import Queue
from fitq_shared.attempt_folder import AttemptFolder
from fitq_shared.record import JobRecord
from fitq_shared.specs.base import ModelRef

Run = Callable[..., JobRecord]
