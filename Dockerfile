# Spyhop in a container:
#   docker build -t spyhop .
#   docker run -p 9997:9997 -v /data/deepseek-vl2-tiny:/models:ro spyhop
#   docker run -p 9997:9997 -v /data/deepseek-vl2-tiny:/models:ro spyhop launch --api-key SECRET --model-name deepseek-vl2
FROM debian:bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /src
COPY scripts/common.sh scripts/packages.txt scripts/
RUN . scripts/common.sh && install_packages build
COPY . .
RUN . scripts/common.sh && \
    configure_in build -DCMAKE_BUILD_TYPE=Release -DSPYHOP_TESTS=OFF && \
    build_in build && \
    cmake --install build --prefix /opt/spyhop --strip

FROM debian:bookworm-slim
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY scripts/common.sh scripts/packages.txt /tmp/spyhop/scripts/
RUN . /tmp/spyhop/scripts/common.sh && install_packages run && \
    rm -rf /tmp/spyhop /var/lib/apt/lists/* && \
    useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin spyhop
COPY --from=build /opt/spyhop /usr/local
USER spyhop
# Each flag has an environment variable, so these two hold whatever flags a user adds to `launch`.
ENV SPYHOP_MODEL_PATH=/models SPYHOP_HOST=0.0.0.0
VOLUME /models
EXPOSE 9997
# The slim image has no curl; bash can open the connection by itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/bin/bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${SPYHOP_PORT:-9997} && printf 'GET /health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["spyhop"]
CMD ["launch"]
