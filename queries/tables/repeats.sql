-- One row per size and example of which some subsets were trained on a second time.
-- Where a bit of trained is set, correct here and in outcomes are of two models of one subset that
-- differ in nothing but their seeds: weights at the start and order of batches.
create or replace view repeats as
select
    objective,
    size,
    size_rank,
    example_id,
    n_models,
    trained,
    correct
from read_parquet(coalesce(getvariable('store'), '.') || '/repeats.parquet');

comment on view repeats is
    'One row per size and example of both splits. Outcomes of second models of some subsets, by other seeds; zero rows where no subset has one.';
comment on column repeats.objective is 'Training objective: ''one_hot''.';
comment on column repeats.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column repeats.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column repeats.example_id is 'Example (examples.example_id).';
comment on column repeats.n_models is 'Subsets with a second model: bit_count(trained), above 0.';
comment on column repeats.trained is
    'Bits of the subsets with a second model, in the order of outcomes.';
comment on column repeats.correct is
    'Bits of those whose second model classifies the example correctly.';
