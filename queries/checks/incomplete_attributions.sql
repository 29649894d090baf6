-- One row per attribution of a pair of examples without a name, or with a score that is not finite.
create or replace view incomplete_attributions as
select
    name,
    train_id,
    test_id,
    score
from attributions
where name is null or train_id is null or test_id is null or score is null or not isfinite(score);

comment on view incomplete_attributions is
    'One row per attribution without a name, or with a score that is not finite; must be empty.';
comment on column incomplete_attributions.name is 'Name of the attribution.';
comment on column incomplete_attributions.train_id is 'Training example.';
comment on column incomplete_attributions.test_id is 'Example that it influences.';
comment on column incomplete_attributions.score is 'Score of the pair.';
