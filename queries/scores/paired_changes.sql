-- One row per training example and pair of conditions that share subsets.
--
-- A condition is an objective and a size; a pair runs from a to b. comparison 'size': two sizes of
-- one objective, a the smaller; 'objective': one_hot (a) and a distilled objective (b) at one size:
-- 'distilled', or 'distilled_<name>' where a study varies how students are taught. Only subsets
-- trained at both ends, with the example in or out at both, enter. In a stratum of n such models,
-- with n10 right at b and wrong at a and n01 the reverse, d = (n10 - n01)/n; the change of
-- memorisation is d_in - d_out. Its variance uses d~ = (n10 - n01)/(n + 2) and
-- s~^2 = (n10 + n01 + 1)/(n + 2) - d~^2, that is s~^2/(n + 2) per stratum: half a model is added to
-- each of the four cells (Agresti and Min 2005), so that it is not 0 where all models agree. Without
-- any common subset, paired is false, the change is the difference of both scores and their variances
-- add up. Where common subsets all contain the example, or all leave it out, the change is NULL.
create or replace view paired_changes as
with
conditions as (
    select distinct
        objective,
        size,
        size_rank
    from outcomes
),
-- The extremes of each objective are marked here, so that a filter on them never meets the bits.
pairs as (
    select
        'size' as comparison,
        a.objective as objective_a,
        a.size as size_a,
        a.size_rank as size_rank_a,
        b.objective as objective_b,
        b.size as size_b,
        b.size_rank as size_rank_b,
        a.size_rank = min(a.size_rank) over (partition by a.objective)
        and b.size_rank = max(b.size_rank) over (partition by a.objective) as first_to_last
    from conditions as a
    inner join conditions as b
        on a.objective = b.objective and a.size_rank < b.size_rank
    union all
    select
        'objective' as comparison,
        a.objective as objective_a,
        a.size as size_a,
        a.size_rank as size_rank_a,
        b.objective as objective_b,
        b.size as size_b,
        b.size_rank as size_rank_b,
        false as first_to_last
    from conditions as a
    inner join conditions as b
        on a.size = b.size and a.objective = 'one_hot' and starts_with(b.objective, 'distilled')
),
bits as (
    select
        objective,
        size,
        example_id,
        label,
        n_models::integer as n_models,
        trained::bit as trained,
        in_train::bit as in_train,
        correct::bit as correct
    from outcomes
    where split = 'train'
),
-- Offset 0 keeps the order of these joins: with a LIMIT, DuckDB 2.0 would else join the bits of all
-- conditions first and not come to an end.
firsts as (
    select
        p.*,
        a.example_id,
        a.label,
        a.n_models as n_models_a,
        a.trained as trained_a,
        a.in_train as in_train_a,
        a.correct as correct_a
    from pairs as p
    inner join bits as a
        on p.objective_a = a.objective and p.size_a = a.size
    offset 0
),
strata as (
    select
        a.*,
        b.n_models as n_models_b,
        b.in_train as in_train_b,
        b.correct as correct_b,
        a.in_train_a & b.in_train as both_in,
        a.trained_a & b.trained & ~xor(a.in_train_a, b.in_train) as common
    from firsts as a
    inner join bits as b
        on a.objective_b = b.objective and a.size_b = b.size and a.example_id = b.example_id
),
rights as (
    select
        *,
        both_in & correct_a as right_in_a,
        common & correct_a as right_a
    from strata
),
-- What is outside is what is common less what is inside: each `&` saved is a string not made.
tallies as (
    select
        *,
        bit_count(both_in)::integer as n_in,
        bit_count(common)::integer as n_common,
        bit_count(right_in_a)::integer as right_in_at_a,
        bit_count(both_in & correct_b)::integer as right_in_at_b,
        bit_count(right_in_a & correct_b)::integer as right_in_both,
        bit_count(right_a)::integer as right_at_a,
        bit_count(common & correct_b)::integer as right_at_b,
        bit_count(right_a & correct_b)::integer as right_both,
        bit_count(in_train_a)::integer as n_in_a,
        bit_count(in_train_b)::integer as n_in_b,
        bit_count(in_train_a & correct_a)::integer as hits_in_a,
        bit_count(in_train_b & correct_b)::integer as hits_in_b,
        bit_count(correct_a)::integer as hits_a,
        bit_count(correct_b)::integer as hits_b
    from rights
),
gains as (
    select
        *,
        n_common - n_in as n_out,
        right_in_at_b - right_in_both as gained_in,
        right_in_at_a - right_in_both as lost_in,
        right_at_b - right_both as gained,
        right_at_a - right_both as lost,
        n_models_a - n_in_a as n_out_a,
        n_models_b - n_in_b as n_out_b,
        hits_a - hits_in_a as hits_out_a,
        hits_b - hits_in_b as hits_out_b
    from tallies
),
counts as (
    select
        *,
        gained - gained_in as gained_out,
        lost - lost_in as lost_out
    from gains
),
rates as (
    select
        *,
        n_in + n_out > 0 as paired,
        hits_in_a / nullif(n_in_a, 0) as rate_in_a,
        hits_out_a / nullif(n_out_a, 0) as rate_out_a,
        hits_in_b / nullif(n_in_b, 0) as rate_in_b,
        hits_out_b / nullif(n_out_b, 0) as rate_out_b,
        (gained_in + lost_in + 1) / (n_in + 2)
        - ((gained_in - lost_in) / (n_in + 2)) ** 2 as spread_in,
        (gained_out + lost_out + 1) / (n_out + 2)
        - ((gained_out - lost_out) / (n_out + 2)) ** 2 as spread_out,
        (hits_in_a + 1) * (n_in_a - hits_in_a + 1) / (n_in_a + 2) ** 2
        / nullif(n_in_a, 0) as variance_in_a,
        (hits_out_a + 1) * (n_out_a - hits_out_a + 1) / (n_out_a + 2) ** 2
        / nullif(n_out_a, 0) as variance_out_a,
        (hits_in_b + 1) * (n_in_b - hits_in_b + 1) / (n_in_b + 2) ** 2
        / nullif(n_in_b, 0) as variance_in_b,
        (hits_out_b + 1) * (n_out_b - hits_out_b + 1) / (n_out_b + 2) ** 2
        / nullif(n_out_b, 0) as variance_out_b
    from counts
),
changes as (
    select
        *,
        case
            when paired then (gained_in - lost_in) / nullif(n_in, 0)
            else rate_in_b - rate_in_a
        end as moved_in,
        case
            when paired then (gained_out - lost_out) / nullif(n_out, 0)
            else rate_out_b - rate_out_a
        end as moved_out,
        case
            when paired and n_in > 0 and n_out > 0
                then spread_in / (n_in + 2) + spread_out / (n_out + 2)
            when paired then null
            else variance_in_a + variance_out_a + variance_in_b + variance_out_b
        end as variance
    from rates
)
select
    comparison,
    objective_a,
    size_a,
    size_rank_a,
    objective_b,
    size_b,
    size_rank_b,
    first_to_last,
    example_id,
    label,
    paired,
    n_in,
    n_out,
    rate_in_a - rate_out_a as memorization_a,
    rate_in_b - rate_out_b as memorization_b,
    moved_in - moved_out as change,
    sqrt(variance) as change_se,
    moved_in as change_in,
    moved_out as change_out
from changes;

comment on view paired_changes is
    'One row per training example and pair of conditions: the change of memorisation from a to b.';
comment on column paired_changes.comparison is
    '''size'': two sizes of one objective; ''objective'': one_hot against a distilled objective.';
comment on column paired_changes.objective_a is 'Objective at the start of the change.';
comment on column paired_changes.size_a is 'Size at the start of the change.';
comment on column paired_changes.size_rank_a is 'Place of size_a in the study, 0 = smallest.';
comment on column paired_changes.objective_b is 'Objective at the end of the change.';
comment on column paired_changes.size_b is 'Size at the end of the change.';
comment on column paired_changes.size_rank_b is 'Place of size_b in the study, 0 = smallest.';
comment on column paired_changes.first_to_last is
    'Whether the change runs from the first to the last size of its objective.';
comment on column paired_changes.example_id is 'Training example (examples.example_id).';
comment on column paired_changes.label is 'Class of the example, 0 to classes - 1.';
comment on column paired_changes.paired is
    'Whether subsets common to both ends carry the change; if not, it is a difference of scores.';
comment on column paired_changes.n_in is
    'Subsets trained at both ends that contain the example, from 0.';
comment on column paired_changes.n_out is
    'Subsets trained at both ends that leave the example out, from 0.';
comment on column paired_changes.memorization_a is
    'Memorization at a, from all models there, -1 to 1; NULL where it cannot be estimated.';
comment on column paired_changes.memorization_b is
    'Memorization at b, from all models there, -1 to 1; NULL where it cannot be estimated.';
comment on column paired_changes.change is
    'Memorization at b minus at a, -2 to 2: change_in - change_out; NULL where not estimable.';
comment on column paired_changes.change_se is
    'Standard error of change, above 0 (paired, adjusted as in Agresti and Min 2005).';
comment on column paired_changes.change_in is 'Change of accuracy_in from a to b, -1 to 1.';
comment on column paired_changes.change_out is 'Change of accuracy_out from a to b, -1 to 1.';
