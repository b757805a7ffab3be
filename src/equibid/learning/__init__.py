"""Bidders that are trained: algorithms, the parts they share, and the trainer that runs them."""

# An algorithm is declared when its module is imported.
import equibid.learning.algorithms.attention_critic.algorithm
import equibid.learning.algorithms.bpg.algorithm
import equibid.learning.algorithms.dcmab.algorithm
import equibid.learning.algorithms.drlb.algorithm
import equibid.learning.algorithms.independent
import equibid.learning.algorithms.maab.algorithm
import equibid.learning.algorithms.maddpg.algorithm
import equibid.learning.algorithms.mappo.algorithm
import equibid.learning.algorithms.uscb.algorithm
import equibid.learning.ncb.algorithm  # noqa: F401
from equibid.envs.problem import Task
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named
from equibid.learning.mlp_file import mlp_from
from equibid.learning.outside import policy_bidder

__all__ = ["ALGORITHMS", "Algorithm", "Task", "algorithm_named", "mlp_from", "policy_bidder"]
