-- One row per finding, row of `findings` and number behind it.
-- Sentences are made from these; a store of an earlier version has none.
create or replace view finding_facts as
with declared as (
    select
        null::varchar as finding,
        null::varchar as row,
        null::varchar as fact,
        null::varchar as size,
        null::double as estimate,
        null::double as ci_low,
        null::double as ci_high
    where false
)
select finding, row, fact, size, estimate, ci_low, ci_high
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/finding_facts*.parquet',
        allow_empty := true
    )
);

comment on view finding_facts is
    'One row per finding, row of `findings` and number behind it. The numbers that the sentences of findings are made of, by name; none in stores of an earlier version.';
comment on column finding_facts.finding is 'Name of the finding, as in `findings`.';
comment on column finding_facts.row is 'Row of `findings` that the number belongs to.';
comment on column finding_facts.fact is
    'What the number is, for instance ''accuracy_in_change''; its claim is that of the row.';
comment on column finding_facts.size is
    'Model size that the number is about; NULL where it is about no single one.';
comment on column finding_facts.estimate is
    'The number: a share, a change of a score or rate, or a count; NULL where it cannot be estimated.';
comment on column finding_facts.ci_low is
    'Lower 95 % limit of estimate; NULL where the number is no estimate.';
comment on column finding_facts.ci_high is
    'Upper 95 % limit of estimate; NULL where the number is no estimate.';
