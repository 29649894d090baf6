-- One row per objective, size and n_models that disagrees with the bits or with models.
create or replace view wrong_n_models as
with
recorded as (
    select
        'outcomes' as relation,
        objective,
        size,
        n_models,
        trained
    from outcomes
    union all
    select
        'epoch_outcomes' as relation,
        objective,
        size,
        n_models,
        trained
    from epoch_outcomes
    union all
    select
        'repeats' as relation,
        objective,
        size,
        n_models,
        trained
    from repeats
),
counted as (
    select
        relation,
        objective,
        size,
        n_models,
        bit_count(trained::bit) as n_trained,
        count(*) as n_rows
    from recorded
    where octet_length(trained) > 0
    group by relation, objective, size, n_models, trained
),
listed as (
    select
        'outcomes' as relation,
        objective,
        size,
        count(*) as n_listed
    from models
    group by objective, size
)
select
    coalesce(c.relation, l.relation) as relation,
    coalesce(c.objective, l.objective) as objective,
    coalesce(c.size, l.size) as size,
    c.n_models,
    c.n_trained,
    l.n_listed,
    coalesce(c.n_rows, 0) as n_rows
from counted as c
full join listed as l
    on c.relation = l.relation and c.objective = l.objective and c.size = l.size
where
    c.n_models is distinct from c.n_trained
    or (
        coalesce(c.relation, l.relation) = 'outcomes'
        and c.n_models is distinct from l.n_listed
    );

comment on view wrong_n_models is
    'One row per objective, size and n_models that disagrees with bits or models; must be empty.';
comment on column wrong_n_models.relation is 'Table: ''outcomes'', ''epoch_outcomes'' or ''repeats''.';
comment on column wrong_n_models.objective is 'Training objective.';
comment on column wrong_n_models.size is 'Name of the model size.';
comment on column wrong_n_models.n_models is 'The number that the table gives; NULL without rows.';
comment on column wrong_n_models.n_trained is 'Bits set in trained.';
comment on column wrong_n_models.n_listed is 'Rows of models; NULL without models, and outside outcomes.';
comment on column wrong_n_models.n_rows is 'Rows of the table that say so.';
