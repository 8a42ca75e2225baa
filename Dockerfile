# Stopkeeper's worker and paper exchange: one image, two commands. Debian, since the Temporal SDK's native part needs glibc.

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
# Compiles and makes the workflow bundle, so that the worker starts without a bundler.
RUN node scripts/run.mjs build

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:20.20.2-bookworm-slim
# tini reaps children and passes SIGTERM on; ca-certificates is what TLS to a remote Temporal server is checked against.
# Debian keeps only the newest version of a package, so pinned versions would break this build later.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/* \
  && install --directory --owner=node --group=node /data
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY scenarios ./scenarios
ENV NODE_ENV=production STOPKEEPER_DATA=/data
USER 1000:1000
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "--enable-source-maps", "dist/worker.js"]
