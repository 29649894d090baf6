-- One row per finding and row of its table; row 'headline' is the verdict.
-- Verdicts by rules that were fixed before the data (findings.toml of the package).
create or replace view findings as
with declared as (
    select
        null::varchar as reason,
        null::varchar as bound_side,
        null::double as bound_value,
        null::boolean as post_hoc
    where false
)
select
    finding,
    row,
    claim,
    verdict,
    provisional,
    estimate,
    ci_low,
    ci_high,
    bound,
    core,
    n_groups,
    alpha,
    sentence,
    query,
    version,
    reason,
    bound_side,
    bound_value,
    post_hoc
from (
    from declared
    union all by name
    from read_parquet(coalesce(getvariable('store'), '.') || '/derived/findings.parquet')
);

comment on view findings is
    'One row per finding and row of its table; row ''headline'' is the verdict. The questions of the study and their verdicts.';
comment on column findings.finding is 'Name of the finding.';
comment on column findings.row is '''headline'', or the name of a condition or robustness row.';
comment on column findings.claim is 'The claim in words.';
comment on column findings.verdict is '''supported'', ''not supported'' or ''undetermined''.';
comment on column findings.provisional is 'Whether there are fewer than 10 groups of models.';
comment on column findings.estimate is
    'Estimate that decides the row, in the unit its sentence names; NULL where it cannot be estimated.';
comment on column findings.ci_low is 'Lower 95 % limit of estimate.';
comment on column findings.ci_high is 'Upper 95 % limit of estimate.';
comment on column findings.bound is 'The rule in words, for instance ''lower limit > 0.02''.';
comment on column findings.core is 'Whether the row decides the headline.';
comment on column findings.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column findings.alpha is
    'Smallest change that counts, in memorisation; NULL where none is used.';
comment on column findings.sentence is
    'The result as a sentence with effect, interval and conditions.';
comment on column findings.query is 'SQL that shows the numbers behind the row.';
comment on column findings.version is
    'Version of the rules (findings.toml) that the verdict was reached by.';
comment on column findings.reason is
    'Why nothing could be decided, or what is unusual about the estimate, as a code (for instance ''too_few_groups'', ''not_recorded'', ''contradicted''); NULL where there is no such reason, and in stores of an earlier version.';
comment on column findings.bound_side is
    'Limit of the interval that decides the row, ''lower'' (has to lie above bound_value) or ''upper'' (below); NULL where more than one limit decides, and in stores of an earlier version.';
comment on column findings.bound_value is
    'What that limit has to clear, in the unit of estimate; NULL like bound_side.';
comment on column findings.post_hoc is
    'Whether the rules were made after data of this data set had been seen; NULL in stores of an earlier version.';
