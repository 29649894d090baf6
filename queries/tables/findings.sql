-- One row per finding and row of its table; row 'headline' is the verdict.
-- Verdicts by rules that were fixed before the data (findings.toml of the package).
create or replace view findings as
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
    version
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/findings.parquet');

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
