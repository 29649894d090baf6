-- One row per pair of images that nearly agree, one of them a training example.
-- Compared pixel by pixel after taking out brightness and contrast; all pairs of images of the same shape are compared.
-- A test example with a near duplicate in training is no test of generalising, and a training example with one is held
-- out in name only. Images that a packed store has dropped, or that cannot be read, are not compared.
create or replace view near_duplicates as
with declared as (
    select
        null::bigint as train_id,
        null::bigint as other_id,
        null::varchar as other_split,
        null::double as similarity,
        null::double as distance,
        null::boolean as same_label
    where false
)
select
    train_id,
    other_id,
    other_split,
    similarity,
    distance,
    same_label
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/near_duplicates*.parquet',
        allow_empty := true
    )
);

comment on view near_duplicates is
    'One row per pair of nearly equal images, one of them a training example. Zero rows where the store holds no images.';
comment on column near_duplicates.train_id is 'Training example (examples.example_id).';
comment on column near_duplicates.other_id is
    'The other example; greater than train_id, so that each pair stands once.';
comment on column near_duplicates.other_split is
    'Split of the other example: ''train'' or ''test''.';
comment on column near_duplicates.similarity is
    'Pearson correlation of the pixels of both images, .98 to 1.';
comment on column near_duplicates.distance is
    'Root mean square difference of the pixels, black 0 and white 1; 0 for equal images.';
comment on column near_duplicates.same_label is
    'Whether both have the same label; NULL where one is unknown.';
