-- One row per objective, size and bin of memorisation, empty bins included.
--
-- Scores are differences of k_in / n_in and k_out / n_out: with n_in models that fit the example, multiples
-- of 1 / n_out. Bins of a width that is no multiple of that step hold unequal numbers of possible scores,
-- and a smooth distribution looks combed. So bins are step = round(n_out / 20), at least 1, possible values
-- of k_out wide, about .05, and their edges lie half-way between two multiples of 1 / n_out; 0 opens a bin.
-- n_out is the median over the size's examples. The last bin ends half a step above 1 and is narrower where
-- the steps do not divide evenly: density is what compares bins.
-- Where n_out differs between examples (independent subsets, unfinished studies), every score is spread
-- evenly over the 1 / n_out that it stands for, and n_examples is a sum of parts.
create or replace view memorization_histogram as
with
scores as (
    select
        objective,
        size,
        size_rank,
        n_out,
        memorization
    from memorization
    where memorization is not null
),
lattice as (
    select
        objective,
        size,
        size_rank,
        quantile_disc(n_out, 0.5)::double as n_out,
        greatest(1, round(quantile_disc(n_out, 0.5) / 20)) as step,
        min(n_out) = max(n_out) as even
    from scores
    group by objective, size, size_rank
),
-- A score in units of 1 / n_out, and the half-width that it is spread over, in the same unit.
placed as (
    select
        s.objective,
        s.size,
        l.step,
        s.memorization * l.n_out + 0.5 as place,
        case when l.even then 0 else l.n_out / (2 * s.n_out) end as reach,
        floor((-l.n_out + 0.5) / l.step) as first,
        floor((l.n_out + 0.5) / l.step) as last
    from scores as s
    inner join lattice as l
        on s.objective = l.objective and s.size = l.size
),
-- The allowance puts scores that rounding left just below an edge onto it.
touched as (
    select
        *,
        unnest(
            range(
                greatest(floor((place - reach) / step + 1e-9), first)::bigint,
                least(floor((place + reach) / step + 1e-9), last)::bigint + 1
            )
        ) as number
    from placed
),
counted as (
    select
        objective,
        size,
        number,
        sum(
            case
                when reach = 0 then 1
                else
                    greatest(
                        case when number = last then place + reach else
                            least(place + reach, (number + 1) * step)
                        end
                        - case when number = first then place - reach else
                            greatest(place - reach, number * step)
                        end,
                        0
                    ) / (2 * reach)
            end
        ) as n_examples
    from touched
    group by objective, size, number
),
grid as (
    select
        *,
        unnest(
            range(
                floor((-n_out + 0.5) / step)::bigint, floor((n_out + 0.5) / step)::bigint + 1
            )
        ) as number
    from lattice
),
edges as (
    select
        *,
        greatest(number * step - 0.5, -n_out - 0.5) / n_out as bin_low,
        least((number + 1) * step - 0.5, n_out + 0.5) / n_out as bin_high
    from grid
)
select
    e.objective,
    e.size,
    e.size_rank,
    e.number::integer as bin,
    e.bin_low,
    e.bin_high,
    coalesce(c.n_examples, 0)::double as n_examples,
    coalesce(c.n_examples, 0)
    / nullif(sum(c.n_examples) over (partition by e.objective, e.size), 0) as share,
    coalesce(c.n_examples, 0)
    / nullif(sum(c.n_examples) over (partition by e.objective, e.size), 0)
    / (e.bin_high - e.bin_low) as density
from edges as e
left join counted as c
    on e.objective = c.objective and e.size = c.size and e.number = c.number
order by e.objective desc, e.size_rank, e.number;

comment on view memorization_histogram is
    'One row per objective, size and bin of memorisation, empty bins included.';
comment on column memorization_histogram.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column memorization_histogram.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorization_histogram.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column memorization_histogram.bin is
    'Number of the bin: 0 begins with the score 0, bins below have negative numbers.';
comment on column memorization_histogram.bin_low is
    'Lower edge in memorization, half a step of 1 / n_out below a possible score, from about -1.';
comment on column memorization_histogram.bin_high is
    'Upper edge in memorization, half a step above a possible score, up to 1 and half a step.';
comment on column memorization_histogram.n_examples is
    'Training examples in the bin, from 0; a sum of parts where n_out differs between examples.';
comment on column memorization_histogram.share is
    'n_examples as a share of the size''s examples with a score, 0 to 1.';
comment on column memorization_histogram.density is
    'share divided by the width of the bin, from 0; 1 everywhere if scores were even from 0 to 1.';
