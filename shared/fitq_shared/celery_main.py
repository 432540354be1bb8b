"""The application of this machine's settings, for `celery -A` (Flower) and the worker."""

from fitq_shared.celery_app import make_app
from fitq_shared.settings import Settings

app = make_app(Settings.load())
