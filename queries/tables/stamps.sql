-- One row per derived table that carries a stamp: the outcomes it was computed from.
--
-- The brackets keep the path from reading as the relation, which cannot be read when it is stale.
-- A stamp other than study.outcomes_fingerprint means that outcomes were rebuilt without it.
create or replace view stamps as
select
    regexp_extract(decode(file_name::blob), '([^/\\]+)\.parquet$', 1) as relation,
    decode(value) as outcomes_fingerprint
from parquet_kv_metadata(
    [
        coalesce(getvariable('store'), '.') || '/derived/*.parquet',
        coalesce(getvariable('store'), '.') || '/influenc[e].parquet'
    ]
)
where decode(key) = 'memanalysis.outcomes_fingerprint';

comment on view stamps is
    'One row per derived table that carries a stamp: the outcomes it was computed from.';
comment on column stamps.relation is 'Name of the derived table.';
comment on column stamps.outcomes_fingerprint is
    'SHA-256 of the outcomes.parquet that the table was computed from.';
