-- One row per annotation and training example that has a value.
-- What people or other sources say of examples: `memanalysis import labels FILE --name human1` adds it.
create or replace view annotations as
with declared as (
    select
        null::varchar as name,
        null::bigint as example_id,
        null::varchar as value,
        null::double as number
    where false
)
select
    name,
    example_id,
    value,
    number
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/annotation[s].parquet',
        allow_empty := true
    )
);

comment on view annotations is
    'One row per annotation and training example that has a value. What people or other sources say of examples; zero rows where nothing was imported by `memanalysis import labels`.';
comment on column annotations.name is 'Name of the annotation, as its import gave it.';
comment on column annotations.example_id is 'Training example (examples.example_id).';
comment on column annotations.value is 'The value as text, as it stands in its source.';
comment on column annotations.number is
    'The value as a number; NULL where the annotation has text among its values.';
