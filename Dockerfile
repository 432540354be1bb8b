# The images of fitq, one target each: client, worker-cpu, worker-gpu, flower, store.
#
#   docker build --target worker-cpu --tag fitq-worker-cpu .
#
# What is downloaded lies in layers that depend on constraints.txt and the pyproject.toml files
# alone, so after a change of code an image is built again in seconds.

ARG PYTHON_IMAGE=python:3.11-slim

# -- what is built, and stays behind ----------------------------------------------------------

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/build \
 && /opt/build/bin/python -m pip install hatchling \
 && python -m venv --without-pip /opt/fitq

# The distributions without their code: pip then installs what they need, and no more.
FROM builder AS stubs
COPY shared/pyproject.toml shared/
COPY client/pyproject.toml client/
COPY worker/pyproject.toml worker/
RUN mkdir shared/fitq_shared client/fitq worker/fitq_worker \
 && touch shared/fitq_shared/__init__.py client/fitq/__init__.py worker/fitq_worker/__init__.py \
 && /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels \
    ./shared ./client ./worker

# The code, laid out as it lies in /opt/fitq.
FROM builder AS code
COPY shared shared
COPY client client
COPY worker worker
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels \
    ./shared ./client ./worker \
 && install="/opt/build/bin/python -m pip --python /opt/fitq/bin/python install --no-deps" \
 && $install --prefix /code/shared /wheels/fitq_shared-*.whl \
 && $install --prefix /code/client /wheels/fitq-*.whl \
 && $install --prefix /code/worker /wheels/fitq_worker-*.whl

FROM builder AS client-needs
RUN --mount=type=cache,target=/root/.cache/pip --mount=from=stubs,source=/wheels,target=/stubs \
    /opt/build/bin/python -m pip --python /opt/fitq/bin/python install \
    --constraint constraints.txt --find-links /stubs 'fitq[webdav]' 'fitq-shared[s3,signing]'

FROM builder AS worker-cpu-needs
RUN --mount=type=cache,target=/root/.cache/pip --mount=from=stubs,source=/wheels,target=/stubs \
    /opt/build/bin/python -m pip --python /opt/fitq/bin/python install \
    --constraint constraints.txt --find-links /stubs 'fitq-worker[cpu,onnx,parquet]' 'fitq-shared[s3,signing]'

FROM builder AS worker-gpu-needs
RUN --mount=type=cache,target=/root/.cache/pip --mount=from=stubs,source=/wheels,target=/stubs \
    /opt/build/bin/python -m pip --python /opt/fitq/bin/python install \
    --constraint constraints.txt --find-links /stubs 'fitq-worker[gpu,onnx,parquet]' 'fitq-shared[s3,signing]'

FROM builder AS flower-needs
RUN --mount=type=cache,target=/root/.cache/pip --mount=from=stubs,source=/wheels,target=/stubs \
    /opt/build/bin/python -m pip --python /opt/fitq/bin/python install \
    --constraint constraints.txt --find-links /stubs flower 'fitq-shared[signing]'

FROM builder AS store-needs
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/build/bin/python -m pip --python /opt/fitq/bin/python install \
    --constraint constraints.txt cheroot wsgidav

# -- what is shipped --------------------------------------------------------------------------

# Everything that a program writes goes to /volume, /state or, being of no lasting value, /tmp:
# so the rest may be read-only. The user owns the former, and new named volumes are like them.
FROM ${PYTHON_IMAGE} AS base
ARG FITQ_UID=10001
ARG FITQ_GID=10001
RUN groupadd --gid "${FITQ_GID}" fitq \
 && useradd --uid "${FITQ_UID}" --gid fitq --no-create-home --home-dir /tmp \
    --no-log-init --shell /usr/sbin/nologin fitq \
 && install -d -o fitq -g fitq /volume /state
ENV HOME=/tmp PATH=/opt/fitq/bin:${PATH} PYTHONUNBUFFERED=1
WORKDIR /tmp
USER ${FITQ_UID}:${FITQ_GID}

FROM base AS client
COPY --from=client-needs /opt/fitq /opt/fitq
COPY --from=code /code/client /code/shared /opt/fitq/
ENTRYPOINT ["fitq"]

FROM base AS worker-cpu
COPY --from=worker-cpu-needs /opt/fitq /opt/fitq
COPY --from=code /code/worker /code/shared /opt/fitq/
ENV FITQ_STORE=/volume FITQ_DEVICE=cpu
HEALTHCHECK --interval=30s --timeout=20s --retries=3 --start-period=180s --start-interval=5s \
    CMD ["fitq-worker-health"]
ENTRYPOINT ["fitq-worker"]

FROM base AS worker-gpu
COPY --from=worker-gpu-needs /opt/fitq /opt/fitq
COPY --from=code /code/worker /code/shared /opt/fitq/
# NVML and CUDA, and nothing else of the driver.
ENV FITQ_STORE=/volume FITQ_DEVICE=gpu NVIDIA_DRIVER_CAPABILITIES=compute,utility
HEALTHCHECK --interval=30s --timeout=20s --retries=3 --start-period=180s --start-interval=5s \
    CMD ["fitq-worker-health"]
ENTRYPOINT ["fitq-worker"]

FROM base AS flower
COPY --from=flower-needs /opt/fitq /opt/fitq
COPY --from=code /code/shared /opt/fitq/
COPY deploy/flowerconfig.py /etc/fitq/
EXPOSE 5555
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5555/healthcheck', timeout=5)"]
ENTRYPOINT ["celery", "-A", "fitq_shared.celery_main", "flower", "--conf=/etc/fitq/flowerconfig.py"]

FROM base AS store
COPY --from=store-needs /opt/fitq /opt/fitq
COPY deploy/store.py /etc/fitq/
EXPOSE 8080
# It asks for a login (401), so it serves.
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8080, timeout=5); c.request('OPTIONS', '/'); assert c.getresponse().status in (200, 401)"]
ENTRYPOINT ["python", "/etc/fitq/store.py", "/volume", "/run/secrets/store_login", "8080"]
