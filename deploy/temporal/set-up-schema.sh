#!/bin/sh
# Creates Temporal's two PostgreSQL databases and brings each schema to the version of temporal-sql-tool; running it again changes nothing.
set -eu

SQL_PASSWORD=$(cat "${SQL_PASSWORD_FILE:-/run/secrets/db-password}")
export SQL_PASSWORD

for schema in temporal visibility; do
  database=temporal
  if [ "$schema" = visibility ]; then database=temporal_visibility; fi
  temporal-sql-tool --database "$database" create
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/$schema"
done
