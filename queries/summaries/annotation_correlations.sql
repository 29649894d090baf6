-- One row per annotation of numbers, objective, size and quantity: rank correlation over examples.
--
-- Spearman's, ties at their mean rank. The interval is over groups of models, for these examples:
-- jackknife, t = 1.96 with the terms of Abramowitz and Stegun (1964), 26.7.5. std_error_examples says what
-- other examples would change: (1 - r^2) sqrt(1.06 / (n - 3)) (Fieller, Hartley and Pearson 1957,
-- Biometrika 44:470). reliability is the rank correlation of the quantity between both halves of the
-- groups, raised to all of them by Spearman and Brown; corrected_estimate divides by its root and so takes
-- out the noise of the study's models alone, not that of the annotation.
create or replace view annotation_correlations as
with
numbered as (
    select
        name,
        example_id,
        number
    from annotations
    where number is not null
),
-- group_id -1: nothing is left out.
scored as (
    select
        objective,
        size,
        size_rank,
        example_id,
        -1 as group_id,
        memorization,
        accuracy_out
    from memorization
    where split = 'train'
    union all by name
    select
        objective,
        size,
        size_rank,
        example_id,
        group_id,
        memorization,
        accuracy_out
    from scores_without_group
),
halves as (
    select
        a.objective,
        a.size,
        a.example_id,
        a.memorization as memorization_a,
        b.memorization as memorization_b,
        a.hits_out / nullif(a.n_out, 0) as accuracy_out_a,
        b.hits_out / nullif(b.n_out, 0) as accuracy_out_b
    from half_scores as a
    inner join half_scores as b
        on a.objective = b.objective and a.size = b.size and a.example_id = b.example_id
    where a.half = 'a' and b.half = 'b'
),
-- Both halves of a quantity beside each other, or the annotation and the quantity.
pairs as (
    select
        n.name,
        s.objective,
        s.size,
        s.group_id,
        'memorization' as quantity,
        n.number as x,
        round(s.memorization, 9) as y
    from scored as s
    inner join numbered as n
        on s.example_id = n.example_id
    union all
    select
        n.name,
        s.objective,
        s.size,
        s.group_id,
        'accuracy_out',
        n.number,
        round(s.accuracy_out, 9)
    from scored as s
    inner join numbered as n
        on s.example_id = n.example_id
    union all
    select
        n.name,
        h.objective,
        h.size,
        -2,
        'memorization',
        round(h.memorization_a, 9),
        round(h.memorization_b, 9)
    from halves as h
    inner join numbered as n
        on h.example_id = n.example_id
    union all
    select
        n.name,
        h.objective,
        h.size,
        -2,
        'accuracy_out',
        round(h.accuracy_out_a, 9),
        round(h.accuracy_out_b, 9)
    from halves as h
    inner join numbered as n
        on h.example_id = n.example_id
),
whole as (
    select *
    from pairs
    where x is not null and y is not null
),
ranked as (
    select
        name,
        objective,
        size,
        group_id,
        quantity,
        rank() over of_x + (count(*) over same_x - 1) / 2 as rank_x,
        rank() over of_y + (count(*) over same_y - 1) / 2 as rank_y
    from whole
    window
        of_x as (partition by name, objective, size, group_id, quantity order by x),
        same_x as (partition by name, objective, size, group_id, quantity, x),
        of_y as (partition by name, objective, size, group_id, quantity order by y),
        same_y as (partition by name, objective, size, group_id, quantity, y)
),
correlated as (
    select
        name,
        objective,
        size,
        quantity,
        group_id,
        count(*) as n_examples,
        case
            when count(distinct rank_x) > 1 and count(distinct rank_y) > 1
                then corr(rank_x, rank_y)
        end as r
    from ranked
    group by name, objective, size, quantity, group_id
),
estimated as (
    select
        name,
        objective,
        size,
        quantity,
        max(n_examples) filter (group_id = -1)::integer as n_examples,
        count(r) filter (group_id >= 0)::integer as n_groups,
        max(r) filter (group_id = -1) as estimate,
        max(r) filter (group_id = -2) as halves,
        case
            when count(r) filter (group_id >= 0) >= 3
                then
                    sqrt(
                        (count(r) filter (group_id >= 0) - 1)
                        * var_pop(r) filter (group_id >= 0)
                    )
        end as std_error
    from correlated
    group by name, objective, size, quantity
),
reached as (
    select
        *,
        1.95996 + 2.37227 / nullif(n_groups - 1, 0) + 2.82250 / nullif(n_groups - 1, 0) ** 2
        + 2.55585 / nullif(n_groups - 1, 0) ** 3 as t,
        case when halves > 0 then 2 * halves / (1 + halves) end as reliability
    from estimated
),
ranks as (
    select distinct
        objective,
        size,
        size_rank
    from outcomes
)
select
    e.name,
    e.objective,
    e.size,
    k.size_rank,
    e.quantity,
    e.n_examples,
    e.n_groups,
    e.estimate,
    e.std_error,
    greatest(e.estimate - e.t * e.std_error, -1) as ci_low,
    least(e.estimate + e.t * e.std_error, 1) as ci_high,
    case
        when e.n_examples > 3 then (1 - e.estimate ** 2) * sqrt(1.06 / (e.n_examples - 3))
    end as std_error_examples,
    e.reliability,
    case when e.reliability >= 0.3 then e.estimate / sqrt(e.reliability) end as corrected_estimate,
    case
        when e.reliability >= 0.3 then (e.estimate - e.t * e.std_error) / sqrt(e.reliability)
    end as corrected_low,
    case
        when e.reliability >= 0.3 then (e.estimate + e.t * e.std_error) / sqrt(e.reliability)
    end as corrected_high
from reached as e
inner join ranks as k
    on e.objective = k.objective and e.size = k.size;

comment on view annotation_correlations is
    'One row per annotation of numbers, objective, size and quantity. Rank correlation with the score and with held-out accuracy over training examples.';
comment on column annotation_correlations.name is 'Name of the annotation (annotations.name).';
comment on column annotation_correlations.objective is
    'Training objective: ''one_hot'', ''distilled'', or ''distilled_<name>''.';
comment on column annotation_correlations.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column annotation_correlations.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column annotation_correlations.quantity is
    'What the annotation is compared with: ''memorization'' or ''accuracy_out''.';
comment on column annotation_correlations.n_examples is
    'Training examples with both numbers, from 0.';
comment on column annotation_correlations.n_groups is 'Groups of models that are left out in turn.';
comment on column annotation_correlations.estimate is
    'Spearman''s rank correlation, -1 to 1; NULL where either is the same for all examples.';
comment on column annotation_correlations.std_error is
    'Standard error over groups of models, from 0; NULL with fewer than 3 groups.';
comment on column annotation_correlations.ci_low is
    'Lower 95 % limit over groups of models, -1 to 1; NULL with fewer than 3 groups.';
comment on column annotation_correlations.ci_high is
    'Upper 95 % limit over groups of models, -1 to 1; NULL with fewer than 3 groups.';
comment on column annotation_correlations.std_error_examples is
    'Standard error over examples, from 0; NULL with fewer than 4.';
comment on column annotation_correlations.reliability is
    'Split-half reliability of the quantity''s ranks over these examples, 0 to 1; NULL where halves do not agree.';
comment on column annotation_correlations.corrected_estimate is
    'estimate over the root of reliability: without the noise of the study''s models; NULL below a reliability of .3.';
comment on column annotation_correlations.corrected_low is
    'ci_low before it is cut to -1, likewise; the reliability counts as known.';
comment on column annotation_correlations.corrected_high is
    'ci_high before it is cut to 1, likewise; the reliability counts as known.';
