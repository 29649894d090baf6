-- One row: what the store says of itself in manifest.json.
create or replace view study as
select
    study,
    title,
    ratio,
    group_size,
    settings ->> '$.subsets.design' as design,
    n_subsets,
    n_train,
    n_test,
    class_names,
    packed,
    seed,
    outcomes_fingerprint
from read_json(
    coalesce(getvariable('store'), '.') || '/manifest.json',
    format = 'unstructured',
    columns = {
        study: 'varchar',
        title: 'varchar',
        ratio: 'double',
        group_size: 'integer',
        settings: 'json',
        n_subsets: 'integer',
        n_train: 'bigint',
        n_test: 'bigint',
        class_names: 'varchar[]',
        packed: 'boolean',
        seed: 'bigint',
        outcomes_fingerprint: 'varchar'
    }
);

comment on view study is 'One row: what the store says of itself.';
comment on column study.study is 'Short name of the study.';
comment on column study.title is 'Title of the study.';
comment on column study.ratio is
    'Share of the training examples in each subset, between 0 and 1; NULL where unknown.';
comment on column study.group_size is
    'Subsets in a balanced group: together they hold out every example equally often.';
comment on column study.design is
    'How subsets were drawn: ''balanced'' or ''independent'' (n_out varies); NULL where unknown.';
comment on column study.n_subsets is 'Distinct training subsets, from 0: the bits of a BLOB.';
comment on column study.n_train is 'Training examples, from 0.';
comment on column study.n_test is 'Test examples kept, from 0.';
comment on column study.class_names is 'Names of the classes in the order of their labels.';
comment on column study.packed is 'Whether the store was made to be shipped, without model files.';
comment on column study.seed is 'Seed of the study; NULL where unknown.';
comment on column study.outcomes_fingerprint is
    'SHA-256 of outcomes.parquet, with which derived tables are stamped.';
