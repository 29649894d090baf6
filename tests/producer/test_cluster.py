"""The Ray engine on a real cluster of two nodes on one machine, one of them killed on the way."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster
from tiny_study import files, study

from memanalysis.errors import TrainingError
from memanalysis.producer import run

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own are not ours to mend


@pytest.fixture(scope="module")
def cluster():
    """A head that computes nothing, and two nodes of one processor each."""
    made = start(attempts=3)
    yield made
    ray.shutdown()
    made.shutdown()


def start(attempts):
    """Ray gives a node thirty seconds to start, which is little on a busy machine."""
    made = Cluster()
    try:
        made.add_node(num_cpus=0, include_dashboard=False, object_store_memory=10**8)
        made.nodes = [made.add_node(num_cpus=1, object_store_memory=10**8) for _ in range(2)]
        made.wait_for_nodes(timeout=120)
    except Exception:
        made.shutdown()
        if attempts == 1:
            raise
        return start(attempts - 1)
    return made


def on(cluster, **settings):
    """The tiny study on this cluster."""
    lines = [f'address = "{cluster.address}"', *(f"{k} = {v}" for k, v in settings.items())]
    return study("\n[ray]\n" + "\n".join(lines))


def test_an_impossible_demand_is_refused(cluster, tmp_path):
    """Half a GPU, where no node has any: what is asked for stands beside what there is."""
    with pytest.raises(TrainingError, match=r"asks for 1 CPU and 0\.5 GPU, the cluster has"):
        run.produce(on(cluster, gpus=0.5), tmp_path / "store", engine="ray")


def test_a_fault_on_a_node_is_one_clear_error(cluster, tmp_path):
    """A training that diverges names its models, and the node where it did; all of them diverge,
    and which is heard first depends on the nodes.
    """
    diverging = study(
        f'\n[ray]\naddress = "{cluster.address}"', batch_size="10\nlearning_rate = 1e30"
    )
    with pytest.raises(TrainingError, match=r"one_hot resnet8w[23].*no longer finite.*on node"):
        run.produce(diverging, tmp_path / "store", engine="ray")


def test_a_lost_node_costs_one_ensemble_and_no_bit(cluster, trained, tmp_path):
    """A node is killed as soon as the first models are there; local workers are the oracle."""
    left = []

    def kill_one_node():
        while not files(tmp_path / "cluster"):
            time.sleep(0.05)
        left.append(16 - len(files(tmp_path / "cluster")))
        cluster.remove_node(cluster.nodes[0], allow_graceful=False)

    killer = threading.Thread(target=kill_one_node)
    killer.start()
    run.produce(on(cluster), tmp_path / "cluster", engine="ray")
    killer.join()
    assert left[0] > 0
    expected, found = files(trained), files(tmp_path / "cluster")
    assert found.keys() == expected.keys()
    for name, arrays in expected.items():
        for key, values in arrays.items():
            np.testing.assert_array_equal(found[name][key], values, err_msg=f"{name} {key}")


def test_no_cluster_is_one_clear_error(tmp_path):
    """The message says how to start one."""
    with pytest.raises(TrainingError, match=r"no Ray cluster at '127\.0\.0\.1:9'.*ray start"):
        run.produce(study('\n[ray]\naddress = "127.0.0.1:9"'), tmp_path / "store", engine="ray")
