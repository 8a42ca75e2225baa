#!/bin/sh
# Gives the namespace its retention and the search attributes that Stopkeeper writes; running it again changes nothing.
# Needs TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and RETENTION (30d).
set -eu

tries=30
until temporal operator cluster health; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    echo "The Temporal server at $TEMPORAL_ADDRESS did not become healthy." >&2
    exit 1
  fi
  sleep 2
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# A new namespace takes a moment to be known everywhere.
tries=30
until known=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE"); do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then exit 1; fi
  sleep 1
done

ensure() {
  # The list shows a name and its type on each line. The server would take a second registration with another type and change nothing.
  type=$(printf '%s\n' "$known" | awk -v name="$1" '$1 == name { print $2 }')
  if [ "$type" = "$2" ]; then return; fi
  if [ -n "$type" ]; then
    echo "The search attribute $1 exists as $type; Stopkeeper needs $2. Remove or rename it first." >&2
    exit 1
  fi
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$1" --type "$2"
}

ensure ProtectionState Keyword
ensure SessionStatus Keyword
ensure StopkeeperAccount Keyword
ensure PositionSymbol Keyword
ensure PositionSide Keyword
ensure TrailingActive Bool
ensure UnprotectedSince Datetime
