#!/bin/sh
# Makes the role that heatsplat reads with, when the database is made: it may read what `postgres` owns
# in `public`, and nothing else.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$HEAT_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE heat LOGIN PASSWORD :'password';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO heat;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO heat;
SQL
