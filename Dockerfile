# The same version of deno as in ./denow.
FROM denoland/deno:2.6.8 AS build
WORKDIR /build

# A layer of its own: the dependencies change less often than the source.
COPY deno.json deno.lock ./
RUN deno install --frozen

COPY . .
RUN deno task compile

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/eventor /eventor

# Sizes the heap by the container's memory limit instead of the machine's memory.
ENV DENO_USE_CGROUPS=1

# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/eventor"]
CMD ["-f", "/config/config.yaml"]
