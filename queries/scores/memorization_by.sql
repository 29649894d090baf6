-- One row per objective, size and example, training and test: the score by another signal.
--
-- Counterfactual memorisation (Zhang et al. 2021, arXiv 2112.12938): mean of the signal over models
-- trained with the example minus the mean over the others, from stored sums and sums of squares.
-- signal is 'probability' (label probability), 'margin' (logits) or 'loss' (nats, sign flipped, so
-- that high means a good fit, as for the others). Soft signals are different scores: always name
-- the signal. Rows with fewer than min_count models on a side have memorization NULL. The standard
-- error is Welch's, sqrt(s_in^2 / n_in + s_out^2 / n_out), and the interval memorization -+ 1.96 of
-- it; both are NULL below two models on a side.
create or replace macro memorization_by(
    signal varchar := 'probability',
    min_count integer := 1
) as table
with
sums as (
    select
        objective,
        size,
        size_rank,
        example_id,
        split,
        label,
        bit_count(in_train::bit)::integer as n_in,
        n_models::integer - bit_count(in_train::bit)::integer as n_out,
        case
            when signal = 'probability' then probability_in_sum::double
            when signal = 'margin' then margin_in_sum::double
            when signal = 'loss' then -loss_in_sum::double
            else
                error(
                    'signal := ''' || signal
                    || ''' is none of ''probability'', ''margin'', ''loss'''
                )::double
        end as sum_in,
        case
            when signal = 'probability' then probability_out_sum::double
            when signal = 'margin' then margin_out_sum::double
            when signal = 'loss' then -loss_out_sum::double
        end as sum_out,
        case
            when signal = 'probability' then probability_in_sumsq::double
            when signal = 'margin' then margin_in_sumsq::double
            when signal = 'loss' then loss_in_sumsq::double
        end as sumsq_in,
        case
            when signal = 'probability' then probability_out_sumsq::double
            when signal = 'margin' then margin_out_sumsq::double
            when signal = 'loss' then loss_out_sumsq::double
        end as sumsq_out
    from outcomes
),
-- float32 sums can leave a variance a hair below zero.
moments as (
    select
        *,
        case when n_in >= greatest(min_count, 1) then sum_in / n_in end as mean_in,
        case when n_out >= greatest(min_count, 1) then sum_out / n_out end as mean_out,
        case
            when n_in > 1 then greatest(sumsq_in - sum_in ** 2 / n_in, 0) / (n_in - 1)
        end as variance_in,
        case
            when n_out > 1 then greatest(sumsq_out - sum_out ** 2 / n_out, 0) / (n_out - 1)
        end as variance_out
    from sums
),
scores as (
    select
        *,
        mean_in - mean_out as score,
        case
            when mean_in is not null and mean_out is not null
                then sqrt(variance_in / n_in + variance_out / n_out)
        end as score_error
    from moments
)
select
    objective,
    size,
    example_id,
    split,
    label,
    size_rank,
    n_in,
    n_out,
    mean_in as accuracy_in,
    mean_out as accuracy_out,
    score_error as std_error,
    score as memorization,
    score - 1.959963984540054 * score_error as ci_low,
    score + 1.959963984540054 * score_error as ci_high
from scores;

comment on macro table memorization_by is
    'One row per objective, size and example. Columns as in memorization, by another signal: accuracy_in and accuracy_out are the means of signal := ''probability'', ''margin'' (logits) or ''loss'' (nats, sign flipped: high = good fit); memorization is NULL below min_count := 1 models on a side.';
