-- One row per objective, pair of sizes, end that selects and tenth of the score.
-- Mean change of memorisation from the first to the last size. Each group of models measures the examples that all
-- other groups put into the tenth, once by the first and once by the last size: selected and measured by the same
-- models, high scores seem to fall and low ones to rise.
create or replace view change_by_score as
with declared as (
    select
        null::varchar as objective,
        null::varchar as sizes,
        null::varchar as first_size,
        null::varchar as last_size,
        null::varchar as selected_at,
        null::double as score_low,
        null::double as score_high,
        null::double as change,
        null::double as change_low,
        null::double as change_high,
        null::double as fitting,
        null::double as fitting_low,
        null::double as fitting_high,
        null::double as generalising,
        null::double as generalising_low,
        null::double as generalising_high,
        null::double as n_examples,
        null::integer as n_folds,
        null::integer as n_groups
    where false
)
select
    objective,
    sizes,
    first_size,
    last_size,
    selected_at,
    score_low,
    score_high,
    change,
    change_low,
    change_high,
    fitting,
    fitting_low,
    fitting_high,
    generalising,
    generalising_low,
    generalising_high,
    n_examples,
    n_folds,
    n_groups
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/change_by_score*.parquet',
        allow_empty := true
    )
);

comment on view change_by_score is
    'One row per objective, pair of sizes, end that selects and tenth of the score. Whose memorisation changes with size, by fitting and by generalising.';
comment on column change_by_score.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column change_by_score.sizes is
    'Sizes compared: ''all'' (first and last) or ''saturated'' (first and last that fit their training examples, accuracy_in >= .99).';
comment on column change_by_score.first_size is 'Name of the smaller size.';
comment on column change_by_score.last_size is 'Name of the larger size.';
comment on column change_by_score.selected_at is
    'Size whose score selects: ''first'' or ''last''. What both agree on is no regression to the mean.';
comment on column change_by_score.score_low is 'Least score of the examples, included; NULL for no bound.';
comment on column change_by_score.score_high is 'Score below which the examples lie; NULL for no bound.';
comment on column change_by_score.change is
    'Mean change of memorisation, last minus first size; -2 to 2. Interval: leave one group out, t(G - 1).';
comment on column change_by_score.change_low is
    'Lower 95 % limit of change; NULL where it cannot be estimated.';
comment on column change_by_score.change_high is
    'Upper 95 % limit of change; NULL where it cannot be estimated.';
comment on column change_by_score.fitting is 'Part of change from accuracy_in, -1 to 1.';
comment on column change_by_score.fitting_low is
    'Lower 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column change_by_score.fitting_high is
    'Upper 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column change_by_score.generalising is
    'Part of change from accuracy_out, turned: a fall of accuracy_out raises memorisation; change = fitting + generalising.';
comment on column change_by_score.generalising_low is
    'Lower 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column change_by_score.generalising_high is
    'Upper 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column change_by_score.n_examples is 'Examples selected, mean over folds, from 0.';
comment on column change_by_score.n_folds is
    'Groups of models in which 20 examples or more were selected, from 0.';
comment on column change_by_score.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
