-- One row per objective, size, epoch with a clean evaluation and training example.
-- Bits as in outcomes, and in_train is there: it does not change from epoch to epoch.
create or replace view epoch_outcomes as
select
    objective,
    size,
    size_rank,
    example_id,
    epoch,
    n_models,
    trained,
    correct
from read_parquet(coalesce(getvariable('store'), '.') || '/epoch_outcomes.parquet');

comment on view epoch_outcomes is
    'One row per objective, size, epoch with a clean evaluation and training example. Who got the example right after that epoch; zero rows where no epoch was evaluated.';
comment on column epoch_outcomes.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column epoch_outcomes.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column epoch_outcomes.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column epoch_outcomes.example_id is 'Training example (examples.example_id).';
comment on column epoch_outcomes.epoch is 'Epoch after which models were evaluated, from 1.';
comment on column epoch_outcomes.n_models is
    'Models with an evaluation after this epoch: bit_count(trained), above 0.';
comment on column epoch_outcomes.trained is
    'Bits of the subsets whose models have an evaluation after this epoch, in the order of outcomes.';
comment on column epoch_outcomes.correct is
    'Bits of those whose model classified the example correctly then.';
