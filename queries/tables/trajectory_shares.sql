-- One row per objective, rule, alpha and category.
-- Shares of examples by kind of trajectory, with what noise alone would produce.
create or replace view trajectory_shares as
select
    objective,
    rule,
    alpha,
    category,
    share,
    share_low,
    share_high,
    noise_share,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/trajectory_shares.parquet');

comment on view trajectory_shares is
    'One row per objective, rule, alpha and category. Shares of each shape and direction.';
comment on column trajectory_shares.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column trajectory_shares.rule is
    'How examples were sorted: ''shape'', ''direction'' or ''threshold''.';
comment on column trajectory_shares.alpha is 'Smallest change that counts, in memorisation.';
comment on column trajectory_shares.category is 'Shape or direction.';
comment on column trajectory_shares.share is
    'Share of examples in the category; 0 to 1. Interval: delete-one-group jackknife, t(G - 1); as examples jump between categories when a group is left out, about twice too wide with 20 groups, which is the cautious side, and of width 0 where the category stays empty.';
comment on column trajectory_shares.share_low is
    'Lower 95 % limit of share; NULL where it cannot be estimated.';
comment on column trajectory_shares.share_high is
    'Upper 95 % limit of share; NULL where it cannot be estimated.';
comment on column trajectory_shares.noise_share is
    'Share that noise alone puts into the category where no example changes, 0 to 1.';
comment on column trajectory_shares.n_examples is 'Examples behind the estimate, from 0.';
comment on column trajectory_shares.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
