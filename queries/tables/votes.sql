-- One row per objective, size, example and class that some model predicts for it.
-- Votes are of the finished models whose predicted classes are known: all that were trained here,
-- and imported ones with logits, probabilities or predictions. A class nobody predicts has no row.
create or replace view votes as
select
    objective,
    size,
    size_rank,
    example_id,
    class,
    n_in,
    n_out
from read_parquet(coalesce(getvariable('store'), '.') || '/votes.parquet');

comment on view votes is
    'One row per objective, size, example of both splits and class that some model predicts for it. Predicted classes, counted over models; zero rows where they were not recorded.';
comment on column votes.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column votes.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column votes.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column votes.example_id is 'Example (examples.example_id).';
comment on column votes.class is 'Predicted class, 0 to classes - 1; the names are in classes.';
comment on column votes.n_in is
    'Models trained with the example that predict this class, from 0.';
comment on column votes.n_out is
    'Models trained without the example that predict this class, from 0; of a test example all.';
