-- One row per objective, size and training example; none where margins were not recorded.
-- How well an attacker who sees a model's margin on the example tells whether it was trained on it: a likelihood-ratio
-- attack (Carlini et al. 2022). Areas count ordered pairs of models where the study keeps every model's margin
-- (margins.margins, observe.keep_margins); everything else takes margins inside and outside as normal, from their sums
-- and sums of squares.
create or replace view membership_risk as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::bigint as example_id,
        null::double as area,
        null::double as tpr_1,
        null::double as tpr_01,
        null::double as area_a,
        null::double as area_b,
        null::integer as n_in,
        null::integer as n_out
    where false
)
select
    objective,
    size,
    size_rank,
    example_id,
    area,
    tpr_1,
    tpr_01,
    area_a,
    area_b,
    n_in,
    n_out
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/membership_ris[k].parquet',
        allow_empty := true
    )
);

comment on view membership_risk is
    'One row per objective, size and training example whose margins were recorded. How well membership in training can be told.';
comment on column membership_risk.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column membership_risk.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column membership_risk.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column membership_risk.example_id is 'Training example.';
comment on column membership_risk.area is
    'Chance that a model trained on the example has the larger margin than one that was not, 0 to 1, .5 = guessing; share of pairs in that order (ties half) where margins.margins holds every model''s margin, else by a normal law. NULL with fewer than two models on a side.';
comment on column membership_risk.tpr_1 is
    'Share of members recognised at a false-positive rate of 1 %, 0 to 1, by a normal law; NULL with fewer than 50 models outside.';
comment on column membership_risk.tpr_01 is 'The same at .1 %; NULL with fewer than 500 models outside.';
comment on column membership_risk.area_a is 'area of the models of even groups alone; by the normal law, their means and the SDs of all models.';
comment on column membership_risk.area_b is 'area of the models of odd groups alone; by the normal law, their means and the SDs of all models.';
comment on column membership_risk.n_in is 'Models trained on the example, from 0.';
comment on column membership_risk.n_out is 'Models not trained on it, from 0.';
