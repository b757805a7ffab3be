"""Bidders that are trained: algorithms, the parts they share, and the trainer that runs them."""

# An algorithm is declared when its module is imported.
import equibid.learning.accb.algorithm
import equibid.learning.dcmab.algorithm
import equibid.learning.drlb.algorithm
import equibid.learning.independent
import equibid.learning.maab.algorithm
import equibid.learning.maddpg
import equibid.learning.mappo
import equibid.learning.uscb.algorithm  # noqa: F401
from equibid.learning.algorithm import ALGORITHMS, Algorithm, algorithm_named
from equibid.learning.mlp_file import mlp_from
from equibid.learning.outside import policy_bidder
from equibid.learning.task import Task

__all__ = ["ALGORITHMS", "Algorithm", "Task", "algorithm_named", "mlp_from", "policy_bidder"]
