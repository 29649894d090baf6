-- One row per distilled objective, size, grouping, category with one_hot and category with distillation.
-- Where examples go. By score: both scores are from opposite halves of the groups of models, so that noise
-- is not taken for change, and share_unchanged is the share that moves so from one_hot to one_hot, that is
-- by noise alone. By shape: the trajectories of both objectives. Intervals: jackknife over groups, t(G - 1).
create or replace view distillation_transitions as
select
    objective,
    size,
    size_rank,
    grouping,
    category_one_hot,
    category_distilled,
    n_examples,
    share,
    share_low,
    share_high,
    share_unchanged,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/distillation_transitions.parquet');

comment on view distillation_transitions is
    'One row per distilled objective, size, grouping and pair of categories. From which score or shape to which.';
comment on column distillation_transitions.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_transitions.size is
    'Name of the student''s size; NULL for shapes, which run over all sizes.';
comment on column distillation_transitions.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for shapes.';
comment on column distillation_transitions.grouping is
    'What the categories are: ''score'' (ranges of memorization) or ''shape'' (of trajectories).';
comment on column distillation_transitions.category_one_hot is 'Category by one_hot models.';
comment on column distillation_transitions.category_distilled is 'Category by distilled models.';
comment on column distillation_transitions.n_examples is
    'Training examples in both categories, from 0; for scores the mean over both ways to halve.';
comment on column distillation_transitions.share is
    'Share of the examples of category_one_hot that go to category_distilled, 0 to 1.';
comment on column distillation_transitions.share_low is 'Lower 95 % limit of share.';
comment on column distillation_transitions.share_high is 'Upper 95 % limit of share.';
comment on column distillation_transitions.share_unchanged is
    'The same share from one_hot to one_hot models: what noise alone moves, 0 to 1; NULL for shapes.';
comment on column distillation_transitions.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
