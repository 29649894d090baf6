-- One row per derived table that was computed from other outcomes than the present ones.
create or replace view stale_derived as
select
    t.relation,
    t.outcomes_fingerprint,
    s.outcomes_fingerprint as present_fingerprint
from stamps as t
cross join study as s
where t.outcomes_fingerprint <> s.outcomes_fingerprint;

comment on view stale_derived is
    'One row per derived table computed from other outcomes than the present ones; must be empty.';
comment on column stale_derived.relation is 'Name of the derived table.';
comment on column stale_derived.outcomes_fingerprint is 'SHA-256 of the outcomes it came from.';
comment on column stale_derived.present_fingerprint is 'SHA-256 of the present outcomes.';
