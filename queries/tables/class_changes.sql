-- One row per objective, pair of sizes and class.
-- Mean change of memorisation of a class's training examples from the first to the last size, by fitting and by
-- generalising. No example is selected by its score, so nothing regresses to the mean.
create or replace view class_changes as
with declared as (
    select
        null::varchar as objective,
        null::varchar as sizes,
        null::varchar as first_size,
        null::varchar as last_size,
        null::integer as label,
        null::double as change,
        null::double as change_low,
        null::double as change_high,
        null::double as fitting,
        null::double as fitting_low,
        null::double as fitting_high,
        null::double as generalising,
        null::double as generalising_low,
        null::double as generalising_high,
        null::bigint as n_examples,
        null::integer as n_groups
    where false
)
select
    objective,
    sizes,
    first_size,
    last_size,
    label,
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
    n_groups
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/class_changes*.parquet',
        allow_empty := true
    )
);

comment on view class_changes is
    'One row per objective, pair of sizes and class. Mean change of memorisation of the class''s training examples; zero rows without labels.';
comment on column class_changes.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column class_changes.sizes is
    'Sizes compared: ''all'' (first and last) or ''saturated'' (first and last that fit their training examples, accuracy_in >= .99).';
comment on column class_changes.first_size is 'Name of the smaller size.';
comment on column class_changes.last_size is 'Name of the larger size.';
comment on column class_changes.label is
    'Class of the examples, 0 to classes - 1; its name is in classes.';
comment on column class_changes.change is
    'Mean change of memorisation, last minus first size; -2 to 2. Interval: delete-one-group jackknife.';
comment on column class_changes.change_low is
    'Lower 95 % limit of change; NULL where it cannot be estimated.';
comment on column class_changes.change_high is
    'Upper 95 % limit of change; NULL where it cannot be estimated.';
comment on column class_changes.fitting is 'Part of change from accuracy_in, -1 to 1.';
comment on column class_changes.fitting_low is
    'Lower 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column class_changes.fitting_high is
    'Upper 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column class_changes.generalising is
    'Part of change from accuracy_out, turned: a fall of accuracy_out raises memorisation; change = fitting + generalising.';
comment on column class_changes.generalising_low is
    'Lower 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column class_changes.generalising_high is
    'Upper 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column class_changes.n_examples is
    'Training examples of the class with models inside and outside at both sizes, from 0.';
comment on column class_changes.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
