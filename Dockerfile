# The command line in a container:
#   docker build -t rnnlite .
#   docker run --rm -v "$PWD:/data" rnnlite convert speaker.keras -o speaker.tflite
# To run files alone, without TensorFlow: docker build --build-arg EXTRAS=data -t rnnlite-run .

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
ARG EXTRAS=convert,data
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir "$(echo /wheels/*.whl)[$EXTRAS]" && rm -r /wheels
# Whose files it reads and writes: with another user's folder, say --user "$(id -u):$(id -g)".
# By its number, which clusters ask for.
RUN useradd --create-home --uid 1000 rnnlite
USER 1000
ENV HOME=/tmp TF_CPP_MIN_LOG_LEVEL=3
WORKDIR /data
ENTRYPOINT ["rnnlite"]
CMD ["--help"]
