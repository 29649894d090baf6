-- One row per objective, size and example, training and test.
--
-- memorization = P[correct | example in train] - P[correct | example held out], from packed bits
-- (Feldman and Zhang 2020, arXiv 2008.03703). std_error uses (k + 1)/(n + 2) for each rate, so it
-- is not 0 where all models agree. The interval is Newcombe's hybrid of Wilson limits (Newcombe
-- 1998, Statistics in Medicine 17:873, method 10), z = 1.959963984540054.
create or replace view memorization as
with
bits as (
    select
        objective,
        size,
        size_rank,
        example_id,
        split,
        label,
        n_models::integer as n_models,
        bit_count(in_train::bit)::integer as n_in,
        bit_count(correct::bit)::integer as hits,
        bit_count(in_train::bit & correct::bit)::integer as hits_in
    from outcomes
),
counts as (
    select
        *,
        n_models - n_in as n_out,
        hits - hits_in as hits_out
    from bits
),
-- nullif keeps an empty cell NULL: such a rate cannot be estimated, and is never 0.
rates as (
    select
        *,
        hits_in / nullif(n_in, 0) as rate_in,
        hits_out / nullif(n_out, 0) as rate_out,
        (hits_in + 1) / (n_in + 2) as smooth_in,
        (hits_out + 1) / (n_out + 2) as smooth_out,
        1.959963984540054 ** 2 as zz
    from counts
),
wilson as (
    select
        *,
        (rate_in + zz / (2 * n_in)) / (1 + zz / n_in) as centre_in,
        (rate_out + zz / (2 * n_out)) / (1 + zz / n_out) as centre_out,
        sqrt(zz * rate_in * (1 - rate_in) / n_in + (zz / (2 * n_in)) ** 2)
        / (1 + zz / n_in) as reach_in,
        sqrt(zz * rate_out * (1 - rate_out) / n_out + (zz / (2 * n_out)) ** 2)
        / (1 + zz / n_out) as reach_out
    from rates
)
-- Keys first and the score with its interval last: those are what a narrow terminal shows.
select
    objective,
    size,
    example_id,
    split,
    label,
    size_rank,
    n_in,
    n_out,
    hits_in,
    hits_out,
    rate_in as accuracy_in,
    rate_out as accuracy_out,
    case
        when n_in > 0 and n_out > 0
            then
                sqrt(
                    smooth_in * (1 - smooth_in) / n_in + smooth_out * (1 - smooth_out) / n_out
                )
    end as std_error,
    rate_in - rate_out as memorization,
    rate_in - rate_out - sqrt(
        (rate_in - centre_in + reach_in) ** 2 + (centre_out + reach_out - rate_out) ** 2
    ) as ci_low,
    rate_in - rate_out + sqrt(
        (centre_in + reach_in - rate_in) ** 2 + (rate_out - centre_out + reach_out) ** 2
    ) as ci_high
from wilson;

comment on view memorization is
    'One row per objective, size and example. Memorisation score, with its interval.';
comment on column memorization.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column memorization.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column memorization.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column memorization.example_id is 'Example (examples.example_id).';
comment on column memorization.split is '''train'' or ''test''; test examples have no memorization.';
comment on column memorization.label is 'Class of the example, 0 to classes - 1.';
comment on column memorization.n_in is 'Models trained with the example, from 0.';
comment on column memorization.n_out is 'Models trained without the example, from 0.';
comment on column memorization.hits_in is 'Models trained with the example that classify it correctly.';
comment on column memorization.hits_out is
    'Models trained without the example that classify it correctly.';
comment on column memorization.accuracy_in is
    'hits_in / n_in, 0 to 1; NULL where n_in = 0: it cannot be estimated.';
comment on column memorization.accuracy_out is
    'hits_out / n_out, 0 to 1; NULL where n_out = 0: it cannot be estimated. Held-out accuracy at the study''s subset ratio, which is the consistency of Jiang et al. (2021) at that ratio; their C-score averages it over nine ratios.';
comment on column memorization.memorization is
    'accuracy_in - accuracy_out, -1 to 1 (Feldman and Zhang 2020); NULL where either is.';
comment on column memorization.std_error is
    'Standard error of memorization, above 0, from (k + 1)/(n + 2) rates.';
comment on column memorization.ci_low is
    'Lower 95 % limit of memorization, -1 to 1 (Newcombe 1998, hybrid of Wilson limits).';
comment on column memorization.ci_high is
    'Upper 95 % limit of memorization, -1 to 1 (Newcombe 1998, hybrid of Wilson limits).';
