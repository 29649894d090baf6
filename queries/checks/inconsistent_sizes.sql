-- One row per size with several ranks, or rank with several sizes, in models and outcomes together.
create or replace view inconsistent_sizes as
with
named as (
    select
        size,
        size_rank
    from models
    union
    select
        size,
        size_rank
    from outcomes
),
counted as (
    select
        size,
        size_rank,
        count(*) over (partition by size) as n_ranks,
        count(*) over (partition by size_rank) as n_sizes
    from named
)
select
    size,
    size_rank,
    n_ranks,
    n_sizes
from counted
where n_ranks > 1 or n_sizes > 1;

comment on view inconsistent_sizes is
    'One row per size with several ranks or rank with several sizes; must be empty.';
comment on column inconsistent_sizes.size is 'Name of the model size.';
comment on column inconsistent_sizes.size_rank is 'Its place in the study.';
comment on column inconsistent_sizes.n_ranks is 'Ranks that the size has.';
comment on column inconsistent_sizes.n_sizes is 'Sizes that the rank has.';
