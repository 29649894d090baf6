-- One row per objective, size and epoch whose examples disagree about the trained subsets.
--
-- All examples have the same models; behind the last subset there are no bits; and a second model, or
-- an evaluation after an epoch, is of a model that outcomes have.
create or replace view inconsistent_trained as
with
recorded as (
    select
        'outcomes' as relation,
        objective,
        size,
        null as epoch,
        trained
    from outcomes
    union all
    select
        'epoch_outcomes' as relation,
        objective,
        size,
        epoch,
        trained
    from epoch_outcomes
    union all
    select
        'repeats' as relation,
        objective,
        size,
        null as epoch,
        trained
    from repeats
),
compared as (
    select
        r.relation,
        r.objective,
        r.size,
        r.epoch,
        count(distinct r.trained) as n_variants,
        min(r.trained) as trained,
        any_value(s.n_subsets) as n_subsets
    from recorded as r
    cross join study as s
    where octet_length(r.trained) = (s.n_subsets + 7) // 8
    group by r.relation, r.objective, r.size, r.epoch
),
counted as (
    select
        c.relation,
        c.objective,
        c.size,
        c.epoch,
        c.n_variants,
        length(replace(substr(c.trained::bit::varchar, c.n_subsets + 1), '0', '')) as n_behind,
        bit_count(c.trained::bit & ~o.trained::bit) as n_not_in_outcomes
    from compared as c
    left join compared as o
        on c.objective = o.objective and c.size = o.size and o.relation = 'outcomes'
)
select
    relation,
    objective,
    size,
    epoch,
    n_variants,
    n_behind,
    n_not_in_outcomes
from counted
where n_variants > 1 or n_behind > 0 or n_not_in_outcomes > 0;

comment on view inconsistent_trained is
    'One row per objective, size and epoch whose examples disagree about the trained subsets; must be empty.';
comment on column inconsistent_trained.relation is 'Table: ''outcomes'', ''epoch_outcomes'' or ''repeats''.';
comment on column inconsistent_trained.objective is 'Training objective.';
comment on column inconsistent_trained.size is 'Name of the model size.';
comment on column inconsistent_trained.epoch is 'Epoch of the evaluation; NULL outside epoch_outcomes.';
comment on column inconsistent_trained.n_variants is 'Different values of trained; 1 is right.';
comment on column inconsistent_trained.n_behind is 'Bits set behind the last subset.';
comment on column inconsistent_trained.n_not_in_outcomes is 'Subsets that outcomes call untrained.';
