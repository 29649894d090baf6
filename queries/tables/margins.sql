-- One row per objective, size and training example whose margins are known.
-- What membership risk needs beside the sums of margins in outcomes: spread in a half of the groups
-- and, where the study asks for it (observe.keep_margins), every model's margin in a byte.
create or replace view margins as
select
    objective,
    size,
    size_rank,
    example_id,
    margin_in_sumsq_a,
    margin_out_sumsq_a,
    margins
from read_parquet(coalesce(getvariable('store'), '.') || '/margins.parquet');

comment on view margins is
    'One row per objective, size and training example. Margins of single models beyond their sums in outcomes; zero rows where they were not recorded.';
comment on column margins.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column margins.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column margins.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column margins.example_id is 'Example (examples.example_id).';
comment on column margins.margin_in_sumsq_a is
    'Sum of squared margins over the models of half a of the groups trained with the example, in squared logits; half b has the rest of outcomes.margin_in_sumsq. NULL where unknown.';
comment on column margins.margin_out_sumsq_a is
    'Sum of squared margins over the models of half a of the groups trained without the example, in squared logits; half b has the rest of outcomes.margin_out_sumsq. NULL where unknown.';
comment on column margins.margins is
    'Margin of each subset''s model in a signed byte, in quarters of a logit, at most 31.75 either way; -128 where there is none. Order of subsets as in outcomes. NULL where the study does not keep them.';
