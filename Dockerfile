# An image that judges a live server. Nobody has built it yet: no container engine was at hand.
#   docker build --tag mattermost-conformance .
#   docker run --rm --network host --env MM_ADMIN_LOGIN --env MM_ADMIN_PASSWORD --volume "$PWD:/records" mattermost-conformance campaign http://127.0.0.1:8065
FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements.lock ./
RUN python -m venv /opt/mmconform && /opt/mmconform/bin/python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY setup.py pyproject.toml conftest.py README.md LICENSE ./
COPY mmconform mmconform
COPY suites suites
COPY specs specs
COPY deviations deviations
COPY benchmarks/prove.json benchmarks/prove.json
RUN /opt/mmconform/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
COPY --from=build /opt/mmconform /opt/mmconform
ENV PATH="/opt/mmconform/bin:$PATH"
# Records are written where it is called: mount a folder of yours there, with `--user "$(id -u)"` where you are not root.
WORKDIR /records
ENTRYPOINT ["mmconform"]
CMD ["--help"]
