-- One row per objective, pair of sizes and range of the score.
-- How far true scores move between two sizes, behind noisy ones. The variance comes from two halves of the models,
-- whose errors are independent; the shares come from a model of the distribution and have no interval.
create or replace view true_changes as
with declared as (
    select
        null::varchar as objective,
        null::varchar as sizes,
        null::varchar as first_size,
        null::varchar as last_size,
        null::double as score_low,
        null::double as score_high,
        null::double as mean_change,
        null::double as variance,
        null::double as variance_low,
        null::double as variance_high,
        null::double as sd,
        null::double as share_falling,
        null::double as share_rising,
        null::bigint as n_examples,
        null::integer as n_groups
    where false
)
select
    objective,
    sizes,
    first_size,
    last_size,
    score_low,
    score_high,
    mean_change,
    variance,
    variance_low,
    variance_high,
    sd,
    share_falling,
    share_rising,
    n_examples,
    n_groups
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/true_changes*.parquet',
        allow_empty := true
    )
);

comment on view true_changes is
    'One row per objective, pair of sizes and range of the mean score of both sizes. Spread of true changes, and modelled shares of examples that fall or rise.';
comment on column true_changes.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column true_changes.sizes is
    'Sizes compared: ''all'' (first and last) or ''saturated'' (first and last that fit their training examples, accuracy_in >= .99).';
comment on column true_changes.first_size is 'Name of the smaller size.';
comment on column true_changes.last_size is 'Name of the larger size.';
comment on column true_changes.score_low is 'Least score of the examples, included; NULL for no bound.';
comment on column true_changes.score_high is 'Score below which the examples lie; NULL for no bound.';
comment on column true_changes.mean_change is
    'Mean change of memorisation, last minus first size, of these examples; -2 to 2.';
comment on column true_changes.variance is
    'Covariance over examples of the changes in both halves of the groups: the variance of true changes, below 0 by chance where nothing changes. Interval: delete-one-group jackknife; NULL below four groups.';
comment on column true_changes.variance_low is
    'Lower 95 % limit of variance; NULL where it cannot be estimated.';
comment on column true_changes.variance_high is
    'Upper 95 % limit of variance; NULL where it cannot be estimated.';
comment on column true_changes.sd is
    'Root of variance: SD of true changes, from 0; NULL where variance is not above 0.';
comment on column true_changes.share_falling is
    'Share whose true score falls by .04 or more, 0 to 1. Model-based (maximum likelihood on a grid of .02), no interval; in simulations off by up to .3. It moves with the number of models (of one study .05 by all groups, .27 and .40 by its halves): compare it with no study that has another number.';
comment on column true_changes.share_rising is
    'Share whose true score rises by .04 or more, 0 to 1. Model-based, no interval; in simulations off by up to .3, and moves with the number of models as share_falling does.';
comment on column true_changes.n_examples is 'Examples in this range, from 0.';
comment on column true_changes.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
