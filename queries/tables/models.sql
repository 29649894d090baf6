-- One row per trained model.
-- A model is one training of one size with one objective on one subset.
create or replace view models as
select
    model_id,
    subset_id,
    group_id,
    half,
    family,
    size,
    size_rank,
    parameters,
    objective,
    teacher_model_id,
    teacher_size,
    teacher_scope,
    temperature,
    distillation_weight,
    seed,
    epochs,
    accuracy_in,
    accuracy_out,
    accuracy_test,
    train_seconds,
    device,
    evaluation_mode,
    finished_at
from read_parquet(coalesce(getvariable('store'), '.') || '/models.parquet');

comment on view models is
    'One row per trained model. Trained models: subset, recipe, accuracy and cost.';
comment on column models.model_id is 'Model, 0 to models - 1.';
comment on column models.subset_id is
    'Training subset, from 0; the same subsets serve every size and objective.';
comment on column models.group_id is
    'Balanced group of the subset, from 0: the unit of leaving out and resampling.';
comment on column models.half is 'Fixed half of the groups, ''a'' (even group_id) or ''b'' (odd).';
comment on column models.family is 'Architecture family, for instance ''resnet''.';
comment on column models.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column models.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column models.parameters is 'Trainable parameters, from 1; NULL where unknown.';
comment on column models.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column models.teacher_model_id is
    'Teacher of this model (models.model_id); NULL unless distilled with soft targets.';
comment on column models.teacher_size is 'Size of the teacher; NULL unless distilled.';
comment on column models.teacher_scope is
    'What the teacher was trained on: ''same_subset'' or ''full_data'', which leaks held-out labels; NULL unless distilled.';
comment on column models.temperature is
    'Distillation temperature T, above 0; NULL unless distilled.';
comment on column models.distillation_weight is
    'Share of the teacher''s term in the loss, 0 to 1; NULL unless distilled.';
comment on column models.seed is 'Seed of initialisation and batch order; NULL where unknown.';
comment on column models.epochs is 'Training epochs, from 1; NULL where unknown.';
comment on column models.accuracy_in is
    'Share of the model''s own training subset classified correctly, 0 to 1.';
comment on column models.accuracy_out is
    'Share of the held-out training examples classified correctly, 0 to 1.';
comment on column models.accuracy_test is
    'Share of all test images of the data set classified correctly, 0 to 1.';
comment on column models.train_seconds is
    'Wall-clock seconds of training; where models are trained together, this model''s share.';
comment on column models.device is 'Device the model was trained on.';
comment on column models.evaluation_mode is
    'How outcomes were taken, for instance ''eval'' (no augmentation, running batch statistics).';
comment on column models.finished_at is 'When the training ended, UTC; NULL where unknown.';
