-- One row per objective and size.
-- A check of influence that needs no truth: does it name the training image that a test image nearly repeats?
-- Ranked by influence_on over all training examples, as far as the study's models can tell.
create or replace view duplicate_recall as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::bigint as n_test,
        null::bigint as n_train,
        null::double as recall_1,
        null::double as recall_10,
        null::double as chance_10,
        null::double as influence
    where false
)
select
    objective,
    size,
    size_rank,
    n_test,
    n_train,
    recall_1,
    recall_10,
    chance_10,
    influence
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/duplicate_recall*.parquet',
        allow_empty := true
    )
);

comment on view duplicate_recall is
    'One row per objective and size: how often influence names the training image that a test image nearly repeats; zero rows without such pairs.';
comment on column duplicate_recall.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column duplicate_recall.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column duplicate_recall.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column duplicate_recall.n_test is
    'Test examples with a near duplicate of the same label in training, from 1.';
comment on column duplicate_recall.n_train is 'Training examples that are ranked.';
comment on column duplicate_recall.recall_1 is
    'Share of these test examples whose most influential training example is a near duplicate, 0 to 1.';
comment on column duplicate_recall.recall_10 is
    'Share that has a near duplicate among its ten most influential ones, 0 to 1.';
comment on column duplicate_recall.chance_10 is 'The same share if influence were noise, 0 to 1.';
comment on column duplicate_recall.influence is
    'Mean influence of the near duplicates, -1 to 1; noise alone has 0.';
