-- One row per objective, size and range of the score.
-- Means of membership_risk, and how well two halves of the models agree on who is at risk. Examples are in a range by
-- the score of the same objective and size, so ranges of two objectives hold different examples.
create or replace view membership_risk_summary as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::double as score_low,
        null::double as score_high,
        null::double as area_mean,
        null::double as tpr_1_mean,
        null::double as tpr_01_mean,
        null::double as area_a_mean,
        null::double as area_b_mean,
        null::double as reliability,
        null::bigint as n_examples
    where false
)
select
    objective,
    size,
    size_rank,
    score_low,
    score_high,
    area_mean,
    tpr_1_mean,
    tpr_01_mean,
    area_a_mean,
    area_b_mean,
    reliability,
    n_examples
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/membership_risk_summary*.parquet',
        allow_empty := true
    )
);

comment on view membership_risk_summary is
    'One row per objective, size and range of the score. Mean membership risk, and its reproducibility over halves of the models.';
comment on column membership_risk_summary.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column membership_risk_summary.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column membership_risk_summary.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column membership_risk_summary.score_low is
    'Least score of the examples, included; NULL for no bound.';
comment on column membership_risk_summary.score_high is
    'Score below which the examples lie; NULL for no bound.';
comment on column membership_risk_summary.area_mean is 'Mean of area, 0 to 1; NULL of no examples.';
comment on column membership_risk_summary.tpr_1_mean is
    'Mean of tpr_1; NULL with fewer than 50 models outside.';
comment on column membership_risk_summary.tpr_01_mean is
    'Mean of tpr_01; NULL with fewer than 500 models outside.';
comment on column membership_risk_summary.area_a_mean is 'Mean of area_a.';
comment on column membership_risk_summary.area_b_mean is 'Mean of area_b.';
comment on column membership_risk_summary.reliability is
    'Of area over the examples of the range: rank correlation of area_a and area_b, raised to all models (Spearman-Brown); NULL where it is not above 0.';
comment on column membership_risk_summary.n_examples is 'Examples in the range, from 0.';
