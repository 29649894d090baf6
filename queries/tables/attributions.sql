-- One row per attribution, test example and training example.
-- What tools of data attribution say of pairs: `memanalysis import influence FILE --name trak` adds it.
create or replace view attributions as
with declared as (
    select
        null::varchar as name,
        null::bigint as test_id,
        null::bigint as train_id,
        null::double as score
    where false
)
select
    name,
    test_id,
    train_id,
    score
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/attribution[s].parquet',
        allow_empty := true
    )
);

comment on view attributions is
    'One row per attribution, test example and training example. What tools of data attribution say of pairs; zero rows where nothing was imported by `memanalysis import influence`.';
comment on column attributions.name is 'Name of the attribution, as its import gave it.';
comment on column attributions.test_id is
    'The example that is helped (examples.example_id): of the test split, unless the import named others.';
comment on column attributions.train_id is 'Training example (examples.example_id).';
comment on column attributions.score is
    'How much the training example helps, in the unit of the tool; higher is more.';
