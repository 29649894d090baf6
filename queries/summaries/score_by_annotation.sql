-- One row per annotation, value of it, objective and size: mean score of the examples with that value.
--
-- Annotations of more than fifty values have no rows here; annotation_correlations has those of numbers.
-- Errors are over groups of models, for these examples: jackknife, t = 1.96 with the terms of
-- Abramowitz and Stegun (1964), 26.7.5, for G - 1 degrees of freedom. What other examples would change is
-- in *_se_examples, the standard deviation over examples over the root of their number, which also holds
-- the noise of their own scores.
create or replace view score_by_annotation as
with
few as (
    select name
    from annotations
    group by name
    having count(distinct value) <= 50
),
given as (
    select
        a.name,
        a.value,
        a.number,
        a.example_id
    from annotations as a
    inner join few as f
        on a.name = f.name
),
whole as (
    select
        g.name,
        g.value,
        g.number,
        m.objective,
        m.size,
        m.size_rank,
        count(m.memorization)::integer as n_examples,
        avg(m.memorization) as memorization,
        avg(m.accuracy_in) as accuracy_in,
        avg(m.accuracy_out) as accuracy_out,
        stddev_samp(m.memorization) / sqrt(nullif(count(m.memorization), 0))
            as memorization_se_examples,
        stddev_samp(m.accuracy_out) / sqrt(nullif(count(m.accuracy_out), 0))
            as accuracy_out_se_examples
    from given as g
    inner join memorization as m
        on g.example_id = m.example_id
    where m.split = 'train'
    group by g.name, g.value, g.number, m.objective, m.size, m.size_rank
),
without as (
    select
        g.name,
        g.value,
        s.objective,
        s.size,
        s.group_id,
        avg(s.memorization) as memorization,
        avg(s.accuracy_out) as accuracy_out
    from given as g
    inner join scores_without_group as s
        on g.example_id = s.example_id
    group by g.name, g.value, s.objective, s.size, s.group_id
),
spread as (
    select
        name,
        value,
        objective,
        size,
        count(memorization)::integer as n_groups,
        case
            when count(memorization) >= 3 then sqrt((count(memorization) - 1) * var_pop(memorization))
        end as memorization_se,
        case
            when count(accuracy_out) >= 3 then sqrt((count(accuracy_out) - 1) * var_pop(accuracy_out))
        end as accuracy_out_se
    from without
    group by name, value, objective, size
),
reached as (
    select
        *,
        1.95996 + 2.37227 / nullif(n_groups - 1, 0) + 2.82250 / nullif(n_groups - 1, 0) ** 2
        + 2.55585 / nullif(n_groups - 1, 0) ** 3 as t
    from spread
)
select
    w.name,
    w.value,
    w.number,
    w.objective,
    w.size,
    w.size_rank,
    w.n_examples,
    coalesce(r.n_groups, 0) as n_groups,
    w.accuracy_in,
    w.accuracy_out,
    w.accuracy_out - r.t * r.accuracy_out_se as accuracy_out_low,
    w.accuracy_out + r.t * r.accuracy_out_se as accuracy_out_high,
    w.accuracy_out_se_examples,
    w.memorization,
    r.memorization_se,
    w.memorization - r.t * r.memorization_se as memorization_low,
    w.memorization + r.t * r.memorization_se as memorization_high,
    w.memorization_se_examples
from whole as w
left join reached as r
    on w.name = r.name and w.value = r.value and w.objective = r.objective and w.size = r.size;

comment on view score_by_annotation is
    'One row per annotation, value of it, objective and size. Mean score and held-out accuracy of the training examples with that value; none for annotations of more than fifty values.';
comment on column score_by_annotation.name is 'Name of the annotation (annotations.name).';
comment on column score_by_annotation.value is 'Its value as text (annotations.value).';
comment on column score_by_annotation.number is
    'Its value as a number; NULL where the annotation has text among its values.';
comment on column score_by_annotation.objective is
    'Training objective: ''one_hot'', ''distilled'', or ''distilled_<name>''.';
comment on column score_by_annotation.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column score_by_annotation.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column score_by_annotation.n_examples is
    'Training examples with that value whose score can be estimated, from 0.';
comment on column score_by_annotation.n_groups is 'Groups of models that are left out in turn.';
comment on column score_by_annotation.accuracy_in is
    'Mean share of models trained with the example that classify it correctly, 0 to 1.';
comment on column score_by_annotation.accuracy_out is
    'Mean share of models trained without the example that classify it correctly, 0 to 1.';
comment on column score_by_annotation.accuracy_out_low is
    'Lower 95 % limit of accuracy_out over groups of models; NULL with fewer than 3 groups.';
comment on column score_by_annotation.accuracy_out_high is
    'Upper 95 % limit of accuracy_out over groups of models; NULL with fewer than 3 groups.';
comment on column score_by_annotation.accuracy_out_se_examples is
    'Standard error of accuracy_out over examples, from 0; NULL for a single one.';
comment on column score_by_annotation.memorization is 'Mean score of these examples, -1 to 1.';
comment on column score_by_annotation.memorization_se is
    'Standard error of memorization over groups of models, from 0; NULL with fewer than 3 groups.';
comment on column score_by_annotation.memorization_low is
    'Lower 95 % limit of memorization over groups of models; NULL with fewer than 3 groups.';
comment on column score_by_annotation.memorization_high is
    'Upper 95 % limit of memorization over groups of models; NULL with fewer than 3 groups.';
comment on column score_by_annotation.memorization_se_examples is
    'Standard error of memorization over examples, from 0; NULL for a single one.';
