-- One row per objective, size and example: whom one training example helps.
--
-- Influence (Feldman and Zhang 2020, arXiv 2008.03703) of one training example on every example:
-- accuracy of the models trained with it minus that of the others, from the bits, without any
-- threshold. The row with test_id = train_id is its memorization. One size at a time by
-- `where size = ...`. Rank by influence / std_error as well: with few models the largest of some
-- thousand influences is mostly noise (influence_summary).
create or replace macro influence_of(example bigint := 0) as table
with
helper as (
    select
        objective,
        size,
        label as helper_label,
        in_train::bit as inside
    from outcomes
    where example_id = example and split = 'train'
),
counts as (
    select
        h.objective,
        h.size,
        o.size_rank,
        example as train_id,
        o.example_id as test_id,
        o.split,
        h.helper_label = o.label as same_class,
        bit_count(h.inside)::integer as n_in,
        (o.n_models - bit_count(h.inside))::integer as n_out,
        bit_count(h.inside & o.correct::bit)::integer as hits_in,
        (bit_count(o.correct::bit) - bit_count(h.inside & o.correct::bit))::integer as hits_out
    from helper as h
    inner join outcomes as o
        on h.objective = o.objective and h.size = o.size
),
rates as (
    select
        *,
        hits_in / nullif(n_in, 0) as rate_in,
        hits_out / nullif(n_out, 0) as rate_out,
        (hits_in + 1) / (n_in + 2) as smooth_in,
        (hits_out + 1) / (n_out + 2) as smooth_out
    from counts
)
select
    objective,
    size,
    size_rank,
    train_id,
    test_id,
    split,
    same_class,
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
    rate_in - rate_out as influence
from rates;

comment on macro table influence_of is
    'One row per objective, size and example. Influence of the training example example := 0 on every other one, from the bits.';
