"""Tables that ``build`` computes in NumPy and SciPy; one file each under derived/."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

_CONDITION: Final = [("objective", pa.string()), ("size", pa.string()), ("size_rank", pa.int32())]
_ESTIMATE: Final = [("estimate", pa.float64()), ("ci_low", pa.float64()), ("ci_high", pa.float64())]
_COUNTS: Final = [("n_examples", pa.int64()), ("n_groups", pa.int32())]


def _intervals(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(f"{name}{end}", pa.float64()) for name in names for end in ("", "_low", "_high")]


DERIVED: Final[dict[str, pa.Schema]] = {
    "trajectory_tests": pa.schema(
        [
            ("objective", pa.string()),
            ("example_id", pa.int64()),
            ("shape", pa.string()),
            ("direction", pa.string()),
            ("p_value", pa.float64()),
            ("q_value", pa.float64()),
            ("alpha", pa.float64()),
        ]
    ),
    "trajectory_shares": pa.schema(
        [
            ("objective", pa.string()),
            ("rule", pa.string()),  # shape | direction | threshold
            ("alpha", pa.float64()),
            ("category", pa.string()),
            *_intervals("share"),
            ("noise_share", pa.float64()),
            *_COUNTS,
        ]
    ),
    "accuracy_intervals": pa.schema(
        [
            ("objective", pa.string()),
            ("size", pa.string()),
            *_intervals("accuracy_in", "accuracy_out", "accuracy_test", "memorization"),
            ("saturated", pa.bool_()),
            ("n_groups", pa.int32()),
        ]
    ),
    "memorization_density": pa.schema(
        [
            *_CONDITION,
            ("bin_low", pa.float64()),
            ("bin_high", pa.float64()),
            *_intervals("share"),
            *_COUNTS,
        ]
    ),
    "bimodality": pa.schema(
        [
            *_CONDITION,
            *_COUNTS,
            *_intervals(
                "mean",
                "polarisation",
                "low_mass",
                "high_mass",
                "low_mass_plain",
                "high_mass_plain",
                "upper_mode_ratio",
                "bimodality_coefficient",
                "dip",
                "dip_plain",
            ),
        ]
    ),
    "bimodality_trends": pa.schema(
        [
            ("objective", pa.string()),
            ("sizes", pa.string()),  # all | saturated
            ("statistic", pa.string()),  # a column of bimodality
            ("first", pa.float64()),
            ("last", pa.float64()),
            *_intervals("change", "slope"),
            ("n_sizes", pa.int32()),
            ("n_groups", pa.int32()),
        ]
    ),
    "beta_binomial": pa.schema(
        [
            *_CONDITION,
            *_COUNTS,
            *_intervals("mean", "precision"),
            ("u_shaped", pa.bool_()),
            *_intervals(
                "low_mean",
                "low_precision",
                "high_mean",
                "high_precision",
                "high_weight",
                "bic_difference",
                "ashman_d",
            ),
        ]
    ),
    "reliability": pa.schema(
        [
            *_CONDITION,  # size: NULL for the change from the first to the last size
            ("quantity", pa.string()),  # level | change | distillation
            ("signal", pa.string()),  # correctness | probability | margin | loss
            ("n_groups", pa.int32()),
            ("n_models", pa.int64()),
            ("correlation", pa.float64()),
            ("spread", pa.float64()),
            ("reliability", pa.float64()),
            ("std_error", pa.float64()),
            ("n_examples", pa.int64()),
            ("n_splits", pa.int32()),
            ("split_seed", pa.int64()),
        ]
    ),
    "signal_agreement": pa.schema(
        [
            *_CONDITION,  # size: NULL for changes
            ("quantity", pa.string()),  # level | change
            ("signal_a", pa.string()),
            ("signal_b", pa.string()),
            ("method", pa.string()),  # pearson | spearman
            *_ESTIMATE,
            ("reliability", pa.float64()),
            ("corrected_estimate", pa.float64()),
            *_COUNTS,
            ("n_splits", pa.int32()),
        ]
    ),
    "proxy_correlations": pa.schema(
        [
            *_CONDITION,  # size: NULL for changes
            ("quantity", pa.string()),  # level | change
            ("stratum", pa.string()),  # all | class: | direction: | shape: <name>
            ("proxy", pa.string()),
            ("method", pa.string()),  # pearson | spearman | kendall
            *_ESTIMATE,
            ("reliability", pa.float64()),
            ("corrected_estimate", pa.float64()),
            *_COUNTS,
            ("n_splits", pa.int32()),
        ]
    ),
    "proxy_trends": pa.schema(
        [
            ("objective", pa.string()),
            ("proxy", pa.string()),
            *_intervals("auc"),
            *_intervals("level"),  # Spearman with the score, mean over sizes
            ("share_rising", pa.float64()),
            ("polarisation_first", pa.float64()),
            ("polarisation_last", pa.float64()),
            ("n_increasing", pa.int64()),
            ("n_groups", pa.int32()),
            ("verdict", pa.string()),
        ]
    ),
    "proxy_retrieval": pa.schema(
        [
            *_CONDITION,
            ("proxy", pa.string()),
            ("target", pa.string()),  # top 1 % | top 5 % | top 10 % | memorization >= .25 | >= .5
            ("selection", pa.string()),  # as many | top 1 % | top 5 % | top 10 %
            *_intervals("precision", "recall", "lift"),
            ("score_precision", pa.float64()),
            ("n_target", pa.float64()),  # means over halves
            ("n_selected", pa.float64()),
            *_COUNTS,
            ("n_splits", pa.int32()),
        ]
    ),
    "proxy_polarisation": pa.schema(
        [
            *_CONDITION,
            ("proxy", pa.string()),
            *_intervals("polarisation"),
            ("n_groups", pa.int32()),
            ("n_splits", pa.int32()),
        ]
    ),
    "distillation_effects": pa.schema(
        [
            *_CONDITION,  # objective: distilled, or a named variant
            ("teacher_size", pa.string()),
            ("teacher_scope", pa.string()),
            ("gap", pa.float64()),  # log of the teacher's parameters over the student's
            ("grouping", pa.string()),  # all | score | bin | shape
            ("category", pa.string()),
            ("selected_on", pa.string()),  # one_hot or objective; NULL where nothing is selected
            ("estimator", pa.string()),  # leave_one_group_out | naive | jackknife
            *_intervals("change"),
            ("change_in", pa.float64()),
            ("change_out", pa.float64()),
            ("n_examples", pa.float64()),  # mean over folds
            ("n_groups", pa.int32()),
        ]
    ),
    "distillation_by_size": pa.schema(
        [
            *_CONDITION,
            ("teacher_size", pa.string()),
            ("teacher_scope", pa.string()),
            ("temperature", pa.float64()),
            ("distillation_weight", pa.float64()),
            ("gap", pa.float64()),
            *_intervals("change", "change_in", "change_out"),
            *_intervals("accuracy_gain"),  # all test images, paired
            *_intervals("agreement"),  # Pearson of both scores, opposite halves
            *_intervals("agreement_corrected"),
            *_intervals("inhibition"),  # share of their score that memorised examples lose
            *_COUNTS,
        ]
    ),
    "distillation_transitions": pa.schema(
        [
            *_CONDITION,  # size: NULL for shapes
            ("grouping", pa.string()),  # score | shape
            ("category_one_hot", pa.string()),
            ("category_distilled", pa.string()),
            ("n_examples", pa.float64()),  # mean over both ways to assign the halves
            *_intervals("share"),  # of the examples of category_one_hot
            ("share_unchanged", pa.float64()),  # the same from one_hot to one_hot
            ("n_groups", pa.int32()),
        ]
    ),
    "change_by_score": pa.schema(
        [
            ("objective", pa.string()),
            ("sizes", pa.string()),  # all | saturated
            ("first_size", pa.string()),
            ("last_size", pa.string()),
            ("selected_at", pa.string()),  # first | last
            ("score_low", pa.float64()),
            ("score_high", pa.float64()),
            *_intervals("change", "fitting", "generalising"),
            ("n_examples", pa.float64()),  # mean over folds
            ("n_folds", pa.int32()),
            ("n_groups", pa.int32()),
        ]
    ),
    "true_changes": pa.schema(
        [
            ("objective", pa.string()),
            ("sizes", pa.string()),  # all | saturated
            ("first_size", pa.string()),
            ("last_size", pa.string()),
            ("score_low", pa.float64()),
            ("score_high", pa.float64()),
            ("mean_change", pa.float64()),
            *_intervals("variance"),
            ("sd", pa.float64()),
            ("share_falling", pa.float64()),
            ("share_rising", pa.float64()),
            *_COUNTS,
        ]
    ),
    "class_changes": pa.schema(
        [
            ("objective", pa.string()),
            ("sizes", pa.string()),  # all | saturated
            ("first_size", pa.string()),
            ("last_size", pa.string()),
            ("label", pa.int32()),
            *_intervals("change", "fitting", "generalising"),
            *_COUNTS,
        ]
    ),
    "distillation_parts": pa.schema(
        [
            *_CONDITION,
            ("teacher_size", pa.string()),
            ("teacher_scope", pa.string()),
            ("gap", pa.float64()),
            ("selected_on", pa.string()),
            *_intervals("fitting", "generalising", "equal_gain", "excess"),
            ("accuracy_in_one_hot", pa.float64()),
            ("accuracy_in_distilled", pa.float64()),
            ("n_memorised", pa.float64()),  # mean over folds
            ("n_not_memorised", pa.float64()),
            ("n_folds", pa.int32()),
            ("n_groups", pa.int32()),
        ]
    ),
    "membership_risk": pa.schema(
        [
            *_CONDITION,
            ("example_id", pa.int64()),
            ("area", pa.float64()),
            ("tpr_1", pa.float64()),
            ("tpr_01", pa.float64()),
            ("area_a", pa.float64()),
            ("area_b", pa.float64()),
            ("n_in", pa.int32()),
            ("n_out", pa.int32()),
        ]
    ),
    "membership_risk_summary": pa.schema(
        [
            *_CONDITION,
            ("score_low", pa.float64()),
            ("score_high", pa.float64()),
            ("area_mean", pa.float64()),
            ("tpr_1_mean", pa.float64()),
            ("tpr_01_mean", pa.float64()),
            ("area_a_mean", pa.float64()),
            ("area_b_mean", pa.float64()),
            ("reliability", pa.float64()),
            ("n_examples", pa.int64()),
        ]
    ),
    "influence_summary": pa.schema(
        [
            *_CONDITION,
            ("split", pa.string()),
            ("threshold", pa.float64()),
            ("same_class", pa.bool_()),
            ("n_models", pa.int32()),
            ("n_pairs", pa.int64()),
            ("n_above", pa.int64()),
            ("n_above_by_noise", pa.float64()),
            ("n_significant", pa.int64()),
            ("least_p_value", pa.float64()),
            ("jaccard", pa.float64()),
            ("n_train", pa.int64()),
            ("n_test", pa.int64()),
        ]
    ),
    "influence_prediction": pa.schema(
        [
            *_CONDITION,
            ("same_class", pa.bool_()),
            *_ESTIMATE,
            ("n_models", pa.int32()),
            ("n_folds", pa.int32()),
            ("n_train", pa.int64()),
            ("n_examples", pa.float64()),  # mean over folds
            # The same of margins on training images, where every model's is kept.
            *((f"margin_{name}", kind) for name, kind in _ESTIMATE),
            ("margin_n_folds", pa.int32()),
            ("margin_n_examples", pa.float64()),
        ]
    ),
    "near_duplicates": pa.schema(
        [
            ("train_id", pa.int64()),
            ("other_id", pa.int64()),
            ("other_split", pa.string()),  # train | test
            ("similarity", pa.float64()),
            ("distance", pa.float64()),
            ("same_label", pa.bool_()),
        ]
    ),
    "duplicate_recall": pa.schema(
        [
            *_CONDITION,
            ("n_test", pa.int64()),
            ("n_train", pa.int64()),
            ("recall_1", pa.float64()),
            ("recall_10", pa.float64()),
            ("chance_10", pa.float64()),
            ("influence", pa.float64()),
        ]
    ),
    "memorized_partners": pa.schema(
        [
            *_CONDITION,
            ("threshold", pa.float64()),
            ("n_examples", pa.int64()),
            *_intervals("n_memorized", "n_memorized_noise_removed"),
            ("share_with_partner", pa.float64()),
            ("n_groups", pa.int32()),
        ]
    ),
    "kind_effects": pa.schema(
        [
            *_CONDITION,  # size: NULL for shares of shapes
            ("kind", pa.string()),
            # memorization | accuracy_in | accuracy_out | distillation | share
            ("quantity", pa.string()),
            ("shape", pa.string()),  # NULL but for shares
            *_ESTIMATE,
            *_COUNTS,
        ]
    ),
    "kind_retrieval": pa.schema(
        [
            *_CONDITION,
            ("kind", pa.string()),
            ("proxy", pa.string()),  # 'memorization' is the score itself
            *_intervals("auc", "precision"),
            ("share", pa.float64()),
            *_COUNTS,
        ]
    ),
    "label_posteriors": pa.schema(
        [
            *_CONDITION,
            ("example_id", pa.int64()),
            ("saturated", pa.bool_()),
            ("basis", pa.string()),  # votes | hits
            ("preferred", pa.int32()),
            ("votes", pa.int32()),
            ("n_out", pa.int32()),
            *_intervals("wrong"),
        ]
    ),
    "findings": pa.schema(
        [
            ("finding", pa.string()),
            ("row", pa.string()),  # 'headline' or the name of a condition, robustness row ...
            ("claim", pa.string()),
            ("verdict", pa.string()),
            ("provisional", pa.bool_()),
            *_ESTIMATE,
            ("bound", pa.string()),  # the rule in words, for instance 'lower limit > 0.02'
            ("core", pa.bool_()),
            ("n_groups", pa.int32()),
            ("alpha", pa.float64()),
            ("sentence", pa.string()),
            ("query", pa.string()),
            ("version", pa.int32()),  # of findings.toml
            ("reason", pa.string()),  # a code, see findings.reasons
            ("bound_side", pa.string()),  # lower | upper
            ("bound_value", pa.float64()),
            ("post_hoc", pa.bool_()),
        ]
    ),
    "finding_facts": pa.schema(
        [
            ("finding", pa.string()),
            ("row", pa.string()),
            ("fact", pa.string()),
            ("size", pa.string()),  # NULL where the fact is about no single one
            *_ESTIMATE,
        ]
    ),
    "controls": pa.schema(
        [
            ("control", pa.string()),  # exchanged_subsets
            ("finding", pa.string()),
            ("claim", pa.string()),
            ("verdict", pa.string()),
            *_ESTIMATE,
            ("n_groups", pa.int32()),
            ("sentence", pa.string()),
            ("version", pa.int32()),  # of findings.toml
        ]
    ),
}
