-- One row per control and finding.
-- Negative controls: every finding decided again, by the same rules, on evidence in which nothing is
-- left to be found. No finding may be supported there. 'exchanged_subsets': each group of models is
-- said to have seen the subsets of the next group, so that every score is 0 on average.
create or replace view controls as
select
    control,
    finding,
    claim,
    verdict,
    estimate,
    ci_low,
    ci_high,
    n_groups,
    sentence,
    version
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/controls.parquet');

comment on view controls is
    'One row per control and finding. The findings on evidence in which nothing is left to be found.';
comment on column controls.control is
    'Name of the control: ''exchanged_subsets''. No rows where the groups of models differ in size or there is one group.';
comment on column controls.finding is 'Name of the finding (findings.finding).';
comment on column controls.claim is 'What the finding claims, in one sentence.';
comment on column controls.verdict is
    'Verdict on the control: ''supported'' would be a false alarm, ''not supported'' and ''undetermined'' are as they should be.';
comment on column controls.estimate is
    'Leading estimate of the finding on the control; NULL where it cannot be estimated, for instance the polarisation of scores that are all 0.';
comment on column controls.ci_low is 'Lower 95 % limit of estimate; NULL where there is none.';
comment on column controls.ci_high is 'Upper 95 % limit of estimate; NULL where there is none.';
comment on column controls.n_groups is 'Groups of models behind the verdict.';
comment on column controls.sentence is 'The verdict in words, with its numbers.';
comment on column controls.version is 'Version of the rules, findings.toml.';
