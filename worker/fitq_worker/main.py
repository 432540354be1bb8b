"""The Celery application of a worker: `celery -A fitq_worker.main worker`.

This module is loaded in the parent, which never imports Keras; only the child does.
"""

from fitq_shared.celery_app import make_app
from fitq_shared.settings import Settings
from fitq_worker import child, message_gate, parent, tasks
from fitq_worker.consumer import PatientConsumer
from fitq_worker.identity import Identity
from fitq_worker.queue_cycle import STRATEGY

settings = Settings.load()
identity = Identity.from_environment()
app = make_app(settings)
app.conf.update(
    worker_max_tasks_per_child=child.JOBS_PER_CHILD,
    worker_consumer=PatientConsumer,
    broker_transport_options={
        **app.conf.broker_transport_options,
        "queue_order_strategy": STRATEGY,
    },
)
tasks.register(app)
message_gate.install(app)
parent.connect(app, settings, identity)
child.connect(app, settings, identity)
