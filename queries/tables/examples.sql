-- One row per example, training and test.
-- Foreign names of examples stand in source_id; the id is the study's own.
create or replace view examples as
select
    example_id,
    split,
    label,
    clean_label,
    kind,
    image,
    source_id
from read_parquet(coalesce(getvariable('store'), '.') || '/examples.parquet');

comment on view examples is
    'One row per example, training and test. Examples of the study: label, image and origin.';
comment on column examples.example_id is
    'Example, 0 to n - 1: training examples first, in their original order, then test examples.';
comment on column examples.split is '''train'' or ''test''.';
comment on column examples.label is
    'Class the models are trained on and judged by, 0 to classes - 1; NULL where the source has none.';
comment on column examples.clean_label is
    'Class before labels were changed on purpose, 0 to classes - 1; of a blend that of the first image in source_id. NULL where nothing is known.';
comment on column examples.kind is
    'What was planted in the example: ''flipped'' a wrong label, ''blended'' the mean of two images of different classes with either label, ''rotated'' a turn by 90 degrees with the right label, ''random'' a random label, ''clean'' nothing. Or what a judge that never saw the scores thinks of it: ''easy'', ''suspected_mislabel'', ''ambiguous'', ''hard''. NULL where neither is known.';
comment on column examples.image is 'Thumbnail, PNG bytes; NULL where none is kept.';
comment on column examples.source_id is
    'Name of the example in the data set it came from; NULL where it has none.';
