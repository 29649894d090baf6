-- One row per objective and training example.
--
-- Memorisation over sizes: change from the first to the last size with its paired
-- standard error (see paired_changes), extremes, and the tests that build computed. shape, with
-- intervals: 'fixed' (every pair of sizes equivalent within alpha), 'cap' or 'u' (an interior size
-- beyond both ends by alpha, significantly), 'increasing' or 'decreasing' (q <= .05 and change of at
-- least alpha, without a significant turn), else 'undetermined'. direction: the sign of change where
-- q <= .05, 'fixed' where change is within alpha, 'mixed' for cap and u, else 'undetermined'.
-- Where no test was stored, shape and direction are 'undetermined'.
create or replace view trajectories as
with
scores as (
    select
        objective,
        example_id,
        size,
        size_rank,
        memorization
    from memorization
    where split = 'train'
),
-- Equal scores from other counts differ in their last bits and must tie; then the rank decides.
ordered as (
    select
        *,
        (memorization * 1e9)::bigint * 1000 as place
    from scores
),
extremes as (
    select
        objective,
        example_id,
        arg_max(size, place - size_rank) as peak_size,
        max(memorization) as peak,
        arg_min(size, place + size_rank) as trough_size,
        min(memorization) as trough
    from ordered
    group by objective, example_id
),
changes as (
    select
        objective_a as objective,
        example_id,
        change,
        change_se,
        change_in,
        change_out,
        paired
    from paired_changes
    where comparison = 'size' and first_to_last
),
examples_of as (
    select
        example_id,
        label
    from examples
)
select
    e.objective,
    e.example_id,
    x.label,
    coalesce(t.shape, 'undetermined') as shape,
    coalesce(t.direction, 'undetermined') as direction,
    c.change,
    c.change_se,
    c.change_in,
    c.change_out,
    t.p_value,
    t.q_value,
    t.alpha,
    e.peak_size,
    e.peak,
    e.trough_size,
    e.trough,
    c.paired
from extremes as e
inner join examples_of as x
    on e.example_id = x.example_id
left join changes as c
    on e.objective = c.objective and e.example_id = c.example_id
left join trajectory_tests as t
    on e.objective = t.objective and e.example_id = t.example_id;

comment on view trajectories is
    'One row per objective and training example: its trajectory, memorisation over model sizes.';
comment on column trajectories.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column trajectories.example_id is 'Training example (examples.example_id).';
comment on column trajectories.label is 'Class of the example, 0 to classes - 1.';
comment on column trajectories.shape is
    'Pattern over all sizes, as the report counts it: ''fixed'' (every pair of sizes equivalent within alpha), ''increasing'', ''decreasing'', ''cap'', ''u'', ''mixed'' or ''undetermined''.';
comment on column trajectories.direction is
    'Coarser: the last size against the first alone, ''fixed'' where change is within alpha, ''increasing'', ''decreasing'', ''mixed'' (shape ''cap'' or ''u'') or ''undetermined''.';
comment on column trajectories.change is
    'Memorization at the last size minus at the first, -2 to 2; NULL where not estimable.';
comment on column trajectories.change_se is
    'Standard error of change, above 0 (paired, adjusted as in Agresti and Min 2005).';
comment on column trajectories.change_in is
    'Part of change from accuracy_in, -1 to 1: change = change_in - change_out.';
comment on column trajectories.change_out is 'Part of change from accuracy_out, -1 to 1.';
comment on column trajectories.p_value is
    'Two-sided p-value of change = 0, 0 to 1; NULL where it cannot be tested.';
comment on column trajectories.q_value is
    'Benjamini-Hochberg q-value over the examples of the objective, 0 to 1.';
comment on column trajectories.alpha is
    'Smallest change that counts for shape, in memorization; NULL with too few models for shapes.';
comment on column trajectories.peak_size is
    'Size with the highest memorization, the smaller one where two tie.';
comment on column trajectories.peak is 'Highest memorization over sizes, -1 to 1.';
comment on column trajectories.trough_size is
    'Size with the lowest memorization, the smaller one where two tie.';
comment on column trajectories.trough is 'Lowest memorization over sizes, -1 to 1.';
comment on column trajectories.paired is
    'Whether subsets common to both ends carry the change; NULL with a single size.';
