#!/bin/bash
# Runs once, when the container makes its database: the owner who migrates, three roles that own nothing, and the login that may become
# them (docs/money.md, "Who may do what"). `npm start` does the same for the embedded Postgres (platform/embedded/postgres.ts).
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U postgres -v app="$TRIBUTARY_DB_PASSWORD" -v owner="$TRIBUTARY_OWNER_PASSWORD" <<'SQL'
create role tributary_owner login password :'owner';
create role tributary_app nologin;
create role tributary_relay nologin;
create role tributary_edge nologin;
create role tributary login noinherit password :'app';
grant tributary_app, tributary_relay, tributary_edge to tributary;
create database tributary owner tributary_owner encoding 'UTF8' template template0;
SQL
psql -v ON_ERROR_STOP=1 -U postgres -d tributary <<'SQL'
alter schema public owner to tributary_owner;
revoke all on schema public from public;
grant usage on schema public to tributary_app, tributary_relay, tributary_edge;
SQL
